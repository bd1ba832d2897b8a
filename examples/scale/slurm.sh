#!/bin/bash
# Eight shares of a run as an array, and its merge when all have ended well:
#
#   shares=$(sbatch --parsable slurm.sh model.quant.yaml /shared/store)
#   sbatch --dependency="afterok:$shares" --wrap "quantsmith merge model.quant.yaml --store /shared/store"
#
#SBATCH --job-name=quantsmith
#SBATCH --array=1-8
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=04:00:00
set -euo pipefail

# Tasks that run side by side wait for each other. Where they run one after the other, submit the array again until each task says
# that its share is complete: what is in the store is not computed again.
quantsmith shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" "$1" --store "$2" --wait 3600

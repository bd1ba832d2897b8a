#!/bin/bash
# Eight shares of a run as an array. A share computes what it can without the results of others, so that it takes three rounds at most;
# each round, and the merge, starts when the one before has ended well:
#
#   run="slurm.sh model.quant.yaml /shared/store"
#   first=$(sbatch --parsable $run)
#   second=$(sbatch --parsable --dependency="afterok:$first" $run)
#   third=$(sbatch --parsable --dependency="afterok:$second" $run)
#   sbatch --dependency="afterok:$third" --mem=2G --wrap "quantsmith merge model.quant.yaml --store /shared/store"
#
# Where all tasks are sure to run side by side, one round does: with a third argument, they wait so many seconds for each other. Tasks
# that are still in the queue would be waited for in vain.
#
#SBATCH --job-name=quantsmith
#SBATCH --array=1-8
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=04:00:00
set -euo pipefail

quantsmith shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" "$1" --store "$2" ${3:+--wait "$3"}

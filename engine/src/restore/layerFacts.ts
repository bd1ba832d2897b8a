import { largest, type LayerFacts } from '@quantsmith/schemas';
import { isLinear } from '@quantsmith/model/operators';
import { quantizerNoise } from '../measure/layerNoise.js';
import { firstIndices } from '../data/source.js';
import { originalName } from '../placement/overrides.js';
import type { Quantization } from '../quantize/quantization.js';
import type { Validation } from '../validation/validation.js';
import type { RestoreContext } from './context.js';
import { weightNoise } from './sensitivity.js';

/** Samples on which the noise of activations is looked at. */
const SAMPLES = 2;
/** So many layers are worth a remedy of their own. */
const LAYERS = 3;

/** The layers that add most noise, by the activations that they read and by their weights. */
export async function layerFacts(
  quantization: Quantization,
  { source }: Pick<Validation, 'source'>,
  { workers, saturates }: Pick<RestoreContext, 'workers' | 'saturates'>,
): Promise<LayerFacts> {
  const { prepared, placement } = quantization;
  const samples = await Promise.all(
    firstIndices(Math.min(SAMPLES, source.count)).map((index) => source.get(index)),
  );
  const read = await quantizerNoise(quantization, samples, workers);
  const half = new Set(
    placement.weights.flatMap(({ halfRange, targets }) => (halfRange ? targets.map(({ node }) => node) : [])),
  );
  const weighted = new Set(placement.weights.flatMap(({ targets }) => targets.map(({ node }) => node)));
  const noisiest = prepared.graph.nodes
    .filter((node) => isLinear(node) && weighted.has(node.name))
    .map(({ name }) => ({
      name,
      noiseDb: largest([
        -(weightNoise(quantization, [name]) ?? Infinity),
        ...read.filter(({ operators }) => operators.includes(name)).map(({ noiseDb }) => noiseDb),
      ]),
    }))
    .sort((a, b) => b.noiseDb - a.noiseDb)
    .slice(0, LAYERS)
    .map(({ name }) => name);
  const written = (names: readonly string[]) => names.flatMap((name) => originalName(prepared, name) ?? []);

  return {
    noisy: written(noisiest),
    saturating: saturates ? written(noisiest.filter((name) => !half.has(name))) : [],
  };
}

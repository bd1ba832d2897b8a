import { encodeModel } from '@quantsmith/model/onnx';
import { kernelsOf, optimizedModel, type RuntimeKernel } from '../runtime/optimized.js';
import { buildModel, sessionOptions, type Quantization } from './quantization.js';

/** What the runtime computes bodies of If, Loop and Scan with, by their quantization; those within bodies too. */
export type BodyKernels = ReadonlyMap<Quantization, ReadonlyMap<string, RuntimeKernel>>;

/** The kernels of each body that is quantized, as the runtime would run it by itself. `reverted`: operators in float. */
export async function kernelsOfBodies(
  { bodies = [] }: Quantization,
  reverted: ReadonlySet<string>,
): Promise<BodyKernels> {
  const kernels = new Map<Quantization, ReadonlyMap<string, RuntimeKernel>>();
  for (const { owner, quantization } of bodies) {
    if (reverted.has(owner)) continue;
    const bytes = encodeModel(buildModel(quantization, new Set()));
    kernels.set(quantization, kernelsOf(bytes, await optimizedModel(bytes, sessionOptions(quantization))));
    for (const entry of await kernelsOfBodies(quantization, new Set())) kernels.set(...entry);
  }

  return kernels;
}

import type { Processor } from './protocol.js';

/** "x64 with avx2, avx512, 1 thread, ONNX Runtime 1.30.0, quantsmith 0.1.0, protocol 1" */
export function processorText({ arch, isa, threads, runtime, tool, protocol }: Processor): string {
  const sets = isa.length === 0 ? arch : `${arch} with ${isa.join(', ')}`;
  const count = `${threads} thread${threads === 1 ? '' : 's'}`;
  return `${sets}, ${count}, ONNX Runtime ${runtime}, quantsmith ${tool}, protocol ${protocol}`;
}

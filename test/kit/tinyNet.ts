import { encodeModel } from '@quantsmith/model/onnx';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { floats, model, node, value } from './models.js';
import { writeNpy } from './npy.js';

/** Writes `net.onnx`, one product of [1, 4] by [4, 4], and `x.npy`, eight samples for it. */
export function writeTinyNet(folder: string): void {
  writeFileSync(
    join(folder, 'net.onnx'),
    encodeModel(
      model({
        nodes: [node('MatMul', ['x', 'w'], ['y'], {}, 'product')],
        inputs: [value('x', [1, 4])],
        outputs: [value('y', [1, 4])],
        initializers: [floats('w', [4, 4], Array(16).fill(1))],
      }),
    ),
  );
  writeNpy(join(folder, 'x.npy'), Array(8).fill({ shape: [4], data: [1, 2, 3, 4] }));
}

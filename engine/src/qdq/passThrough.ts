import { append } from '@quantsmith/schemas';
import type { Graph, GraphRewrite } from '@quantsmith/model/graph';
import { has } from '@quantsmith/model/operators';
import type { ActivationQuantizer, Port } from '../placement/types.js';

/** The scale and zero point initializers of a quantizer that has been inserted. */
export interface InsertedPair {
  readonly scale: string;
  readonly zeroPoint: string;
  readonly domain: string;
}

/**
 * Repeats the quantizer behind operators that only move its values, with the same scale and zero point: exact, since
 * the values are on its levels already, and it lets the operators behind find a quantized input. A reader that has a quantizer of
 * its own (`isQuantized`) keeps that: its integer bias has the scale of it.
 */
export function repeatBehindPassThrough(
  rewrite: GraphRewrite,
  graph: Graph,
  quantizer: ActivationQuantizer,
  pair: InsertedPair,
  isQuantized: (port: Port) => boolean,
): void {
  if (quantizer.axis !== null) return;
  const queue: Port[] = [...quantizer.targets];
  for (let port = queue.pop(); port !== undefined; port = queue.pop()) {
    const node = graph.node(port.node);
    if (node === undefined || port.input !== 0) continue;
    const stopped = has(node, 'stops-dequantize');
    if (!stopped && !has(node, 'carries-dequantize')) continue;
    for (const tensor of node.output) {
      const readers = graph
        .consumers(tensor)
        .map((reading) => ({ node: reading.node.name, input: reading.input }))
        .filter((reader) => !isQuantized(reader));

      if (!stopped) {
        append(queue, readers);
        continue;
      }

      if (readers.length === 0 || graph.outputs.includes(tensor) || graph.isCaptured(tensor)) continue;
      const codes = rewrite.freshName(`q_output_${tensor}_1`);
      const output = rewrite.freshName(`dq_output_${tensor}_1`);
      const { scale, zeroPoint, domain } = pair;
      rewrite.addNode(
        'QuantizeLinear',
        [tensor, scale, zeroPoint],
        codes,
        {},
        { name: rewrite.freshName(`QuantizeLinear_${tensor}_1`), domain },
      );
      rewrite.addNode(
        'DequantizeLinear',
        [codes, scale, zeroPoint],
        output,
        {},
        { name: rewrite.freshName(`DequantizeLinear_${tensor}_1`), domain },
      );
      rewrite.rewire(readers, output);
      append(queue, readers);
    }
  }
}

import { floats, ints, model, node, value } from '../../test/kit/models.js';

interface Tensor {
  shape: number[];
  data: number[];
}
export interface Quantizer {
  op: string;
  input: string;
  scale: number | number[];
  zero_point: number | number[];
  dtype: string;
  axis: number | null;
}
/** A small model of the reference runs, fully specified. */
export interface OracleModel {
  model: string;
  inputs: Record<string, { shape: (number | string)[] }>;
  outputs: Record<string, number[]>;
  nodes: { op: string; name: string; in: string[]; out: string[]; attr: Record<string, number | number[]> }[];
  initializers: Record<string, Tensor>;
  int_initializers: Record<string, Tensor>;
  samples: Record<string, Tensor>[];
  runs: Record<
    string,
    { q?: Record<string, Quantizer>; biases_changed?: Record<string, number[]>; error?: string }
  >;
}

export function buildOracle(oracle: OracleModel) {
  return model({
    nodes: oracle.nodes.map((n) => node(n.op, n.in, n.out, n.attr, n.name)),
    inputs: Object.entries(oracle.inputs).map(([name, { shape }]) => value(name, shape)),
    outputs: Object.keys(oracle.outputs).map((name) => value(name)),
    initializers: [
      ...Object.entries(oracle.initializers).map(([name, t]) => floats(name, t.shape, t.data)),
      ...Object.entries(oracle.int_initializers).map(([name, t]) => ints(name, t.data)),
    ],
    opset: 13,
  });
}

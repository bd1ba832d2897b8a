import { nameLast, withOwnNames } from './ownNames.js';
import { buildGraph, freshNames, type Graph, type GraphBuilder } from '@quantsmith/model/graph';
import {
  ElementType,
  type ModelProto,
  type NodeProto,
  floatAttribute,
  floatsAttribute,
  intAttribute,
  stringAttribute,
} from '@quantsmith/model/onnx';
import { plainProduct } from '@quantsmith/model/operators';

/**
 * The runtime's own fused products as the plain operators that they stand for, which have integer kernels: an optimized model
 * that somebody has saved holds them. What has no plain form stays.
 */
export function unfuse(model: ModelProto, graph: Graph): ModelProto {
  const fresh = freshNames(model);
  const built = buildGraph((op) => fresh(op));
  let changed = false as boolean;
  const node = model.graph.node.flatMap((fused): NodeProto[] => {
    const plain = plainProduct({ op: fused.opType, domain: fused.domain });
    if (plain === undefined) return [fused];
    const before = built.nodes.length;
    if (
      !(plain === 'MatMul'
        ? matMul(fused, { graph, built, fresh })
        : withActivation(fused, plain, { graph, built, fresh }))
    )
      return [fused];
    changed = true;

    return withOwnNames(built.nodes.slice(before), fresh);
  });

  if (!changed) return model;
  const initializer = [...model.graph.initializer, ...built.constants.values()];

  return { ...model, graph: { ...model.graph, node, initializer } };
}

interface Rewriting {
  readonly graph: Graph;
  readonly built: GraphBuilder;
  readonly fresh: (base: string) => string;
}

/** FusedMatMul: alpha · A · B, either turned. */
function matMul(fused: NodeProto, { graph, built, fresh }: Rewriting): boolean {
  if (intAttribute(fused, 'transBatchA', 0) === 1 || intAttribute(fused, 'transBatchB', 0) === 1)
    return false;
  const sides = ['transA', 'transB'].map((name, index) => ({
    tensor: fused.input[index] ?? '',
    rank: graph.rank(fused.input[index] ?? '') ?? 0,
    turns: intAttribute(fused, name, 0) === 1,
  }));

  if (sides.some(({ rank, turns }) => turns && rank < 2)) return false;
  const [output = ''] = fused.output;
  const operands = sides.map(({ tensor, rank, turns }) => {
    if (!turns) return tensor;
    const perm = [...Array.from({ length: rank - 2 }, (_, axis) => axis), rank - 1, rank - 2];
    return built.add('Transpose', [tensor], { perm }, fresh(`${tensor}_turned`));
  });

  const alpha = floatAttribute(fused, 'alpha', 1);
  const product = built.add('MatMul', operands, {}, alpha === 1 ? output : fresh(`${output}_product`));
  nameLast(built, fused.name);
  if (alpha !== 1)
    built.add('Mul', [product, number(built, alpha, fresh(`${fused.name}_alpha`))], {}, output);

  return true;
}

/** FusedConv and FusedGemm: an addend of the convolution's result, then an activation. */
function withActivation(fused: NodeProto, plain: string, { built, fresh }: Rewriting): boolean {
  const activation = activationOf(fused);
  if (activation === undefined) return false;
  const [output = ''] = fused.output;
  const addend = plain === 'Conv' ? (fused.input[3] ?? '') : '';
  const sum = activation === null ? output : fresh(`${output}_sum`);
  const product = addend === '' ? sum : fresh(`${output}_product`);
  const attribute = fused.attribute.filter(({ name }) => !name.startsWith('activation'));
  const input = fused.input.slice(0, 3);
  built.nodes.push({ ...fused, opType: plain, domain: '', attribute, input, output: [product] });
  if (addend !== '') built.add('Add', [product, addend], {}, sum);
  if (activation === null) return true;
  const { op, attributes = {}, bounds = [] } = activation;
  const constants = bounds.map((bound, index) => number(built, bound, fresh(`${fused.name}_bound_${index}`)));
  built.add(op, [sum, ...constants], attributes, output);

  return true;
}

interface Activation {
  readonly op: string;
  readonly attributes?: Readonly<Record<string, { readonly float: number }>>;
  /** Further inputs, as numbers. */
  readonly bounds?: readonly number[];
}

/** null: there is none; undefined: one that is not known. */
function activationOf(fused: NodeProto): Activation | null | undefined {
  const op = stringAttribute(fused, 'activation', '');
  const params = floatsAttribute(fused, 'activation_params');
  const param = (index: number, name: string, fallback: number) =>
    params[index] ?? floatAttribute(fused, `activation_${name}`, fallback);
  if (op === '') return null;
  if (op === 'Relu' || op === 'Tanh' || op === 'Sigmoid') return { op };
  if (op === 'LeakyRelu') return { op, attributes: { alpha: { float: param(0, 'alpha', 0.01) } } };
  if (op === 'Clip' && params.length === 2) return { op, bounds: params };
  if (op !== 'HardSigmoid') return undefined;

  return {
    op,
    attributes: { alpha: { float: param(0, 'alpha', 0.2) }, beta: { float: param(1, 'beta', 0.5) } },
  };
}

function number(built: GraphBuilder, value: number, name: string): string {
  return built.constant([], ElementType.FLOAT, Float32Array.of(value), name);
}

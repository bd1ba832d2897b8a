import {
  ElementType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  elementCount,
  floatAttribute,
  intAttribute,
  isOnnxDomain,
  makeNode,
  readFloats,
} from '@quantsmith/model/onnx';
import { buildGraph, freshNames, type Graph, type GraphBuilder } from '@quantsmith/model/graph';
import { withoutUnused } from './foldConstants.js';

/**
 * Brings matrix products into the forms that integer kernels take. A Gemm's alpha and beta go into its constants, its
 * constant C becomes one value for each column; a C that is none (of other shape, or computed) is added behind it. Leading
 * ones of a MatMul's constant are dropped where broadcasting puts them back.
 */
export function normalizeLinear(model: ModelProto, graph: Graph, dir: string): ModelProto {
  const fresh = freshNames(model);
  const rewriting: Rewriting = { graph, dir, fresh, built: buildGraph(fresh) };
  let changed = false as boolean;
  const node = model.graph.node.flatMap((old) => {
    const now = !isOnnxDomain(old)
      ? undefined
      : old.opType === 'Gemm'
        ? normalGemm(rewriting, old)
        : old.opType === 'MatMul'
          ? normalMatMul(rewriting, old)
          : undefined;

    changed ||= now !== undefined;
    return now ?? [old];
  });

  if (!changed) return model;
  const initializer = [...model.graph.initializer, ...rewriting.built.constants.values()];

  return withoutUnused({ ...model, graph: { ...model.graph, node, initializer } });
}

interface Rewriting {
  readonly graph: Graph;
  readonly dir: string;
  readonly fresh: (base: string) => string;
  readonly built: GraphBuilder;
}

const floatConstant = (graph: Graph, tensor: string): TensorProto | undefined => {
  const constant = graph.initializer(tensor);
  return constant?.dataType === ElementType.FLOAT ? constant : undefined;
};

function normalGemm(rewriting: Rewriting, gemm: NodeProto): NodeProto[] | undefined {
  const { graph, dir, fresh, built } = rewriting;
  const [a = '', b = '', c = ''] = gemm.input;
  const alpha = floatAttribute(gemm, 'alpha', 1);
  const beta = floatAttribute(gemm, 'beta', 1);
  const weight = floatConstant(graph, b);
  if (weight?.dims.length !== 2) return undefined;
  const columns = Number(weight.dims[intAttribute(gemm, 'transB', 0) === 1 ? 0 : 1]);
  const bias = floatConstant(graph, c);
  const plain = alpha === 1 && (c === '' || beta === 1);
  if (plain && (c === '' || (bias?.dims.length === 1 && Number(bias.dims[0]) === columns))) return undefined;
  const scaled =
    alpha === 1 ? b : addConstant(rewriting, `${b}_alpha`, weight.dims.map(Number), weight, alpha);
  const attribute = gemm.attribute.filter(({ name }) => name !== 'alpha' && name !== 'beta');
  const output = gemm.output[0] ?? '';
  if (c === '') return [{ ...gemm, attribute, input: [a, scaled] }];
  const row = bias === undefined ? undefined : asRow(bias, columns, dir);
  if (row !== undefined) {
    const values = row.map((value) => value * beta);
    const name = built.constant([columns], ElementType.FLOAT, values, fresh(`${c}_of_${gemm.name}`));
    return [{ ...gemm, attribute, input: [a, scaled, name] }];
  }

  const product = fresh(`${output}_product`);
  const addend = scaledAddend(rewriting, gemm, c, beta);
  const add = makeNode('Add', [product, addend.tensor], [output], {}, { name: fresh(`${gemm.name}_add`) });

  return [...addend.nodes, { ...gemm, attribute, input: [a, scaled], output: [product] }, add];
}

/** What is added to the product, times beta: a constant, or computed. */
function scaledAddend(
  rewriting: Rewriting,
  gemm: NodeProto,
  c: string,
  beta: number,
): { tensor: string; nodes: NodeProto[] } {
  const { graph, fresh, built } = rewriting;
  if (beta === 1) return { tensor: c, nodes: [] };
  const bias = floatConstant(graph, c);
  if (bias !== undefined)
    return { tensor: addConstant(rewriting, `${c}_beta`, bias.dims.map(Number), bias, beta), nodes: [] };
  const factor = built.constant([], ElementType.FLOAT, Float32Array.of(beta), fresh(`${gemm.name}_beta`));
  const tensor = fresh(`${c}_scaled`);

  return {
    tensor,
    nodes: [makeNode('Mul', [c, factor], [tensor], {}, { name: fresh(`${gemm.name}_scale`) })],
  };
}

/** The constant times a factor, as a new one. */
function addConstant(
  { fresh, built, dir }: Rewriting,
  base: string,
  dims: readonly number[],
  tensor: TensorProto,
  factor: number,
): string {
  const values = readFloats(tensor, dir).map((value) => value * factor);
  return built.constant(dims, ElementType.FLOAT, values, fresh(base));
}

/** One value for each column, where the constant is the same for all rows. */
function asRow(bias: TensorProto, columns: number, dir: string): Float32Array | undefined {
  const values = readFloats(bias, dir);
  if (values.length === 1) return new Float32Array(columns).fill(values[0]!);
  const across = Number(bias.dims.at(-1) ?? 1n) === columns && elementCount(bias.dims) === columns;
  return across ? values : undefined;
}

function normalMatMul({ graph, fresh, built }: Rewriting, matMul: NodeProto): NodeProto[] | undefined {
  const [a = '', b = ''] = matMul.input;
  const weight = floatConstant(graph, b);
  const rank = graph.rank(a);
  if (weight === undefined || rank === undefined || weight.dims.length < 3 || rank < weight.dims.length)
    return undefined;
  const [rows, columns] = weight.dims.slice(-2);
  if (weight.dims.slice(0, -2).some((dim) => dim !== 1n)) return undefined;
  const name = fresh(`${b}_matrix`);
  built.constants.set(name, { ...weight, name, dims: [rows!, columns!] });

  return [{ ...matMul, input: [a, name] }];
}

import { ElementType } from '../onnx/elementTypes.js';
import { create } from '@bufbuild/protobuf';
import type { Problem } from '@quantsmith/schemas';
import { freshNames } from '../graph/index.js';
import { isConstantNode, isOnnxDomain, opset, subgraphs, tensorAttribute } from '../onnx/node.js';
import type { ModelProto } from '../onnx/model.js';
import {
  OperatorSetIdProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from '../onnx/onnx_pb.js';
import { elementCount, isExternal, readFloats } from '../onnx/tensor.js';
import { ADAPTERS } from './adapters.js';
import type { UpgradeContext } from './context.js';

/** The lowest operator set that can express per-channel quantization. */
export const MINIMUM_OPSET = 13;

/** The highest operator set that the adapters lead to. */
export const MAXIMUM_OPSET = 21;

/** The lowest operator set that the adapters begin with. */
export const MINIMUM_READ_OPSET = 7;

/** The newest operator set that the runtime (1.30) knows. */
export const MAXIMUM_READ_OPSET = 26;

/** The IR version that came with an operator set, from the version table of the ONNX specification. */
function irVersionOf(version: number): bigint {
  if (version >= 21) return 10n;
  if (version >= 19) return 9n;
  return version >= 15 ? 8n : 7n;
}

/**
 * Raises the model's operator set to `wanted` (13…21; a higher one of the model stays), one version at a time, one adapter per changed operator; outputs stay
 * equal. Subgraphs are upgraded too, other domains are left alone. `ranks`: known ranks of tensors, for the operators
 * whose meaning depends on them. What cannot be upgraded comes back as a problem of severity error.
 */
export function upgradeModel(
  model: ModelProto,
  ranks: (tensor: string) => number | undefined = () => undefined,
  wanted: number = MINIMUM_OPSET,
): { model: ModelProto; problems: Problem[] } {
  const from = opset(model);
  const problems: Problem[] = [];
  const fresh = freshNames(model);
  const unsupported = (message: string) => {
    problems.push({ code: 'opset-unsupported', severity: 'error', message, data: { opset: from, wanted } });
    return { model, problems };
  };

  if (from < MINIMUM_READ_OPSET) {
    return unsupported(
      `The model uses operator set ${from}; the lowest that can be read is ${MINIMUM_READ_OPSET}.`,
    );
  }

  if (wanted > MAXIMUM_OPSET && wanted > from) {
    return unsupported(`A model can be raised to operator set ${MAXIMUM_OPSET}, not to ${wanted}.`);
  }

  const target = Math.max(from, wanted, MINIMUM_OPSET);
  const floats = constantFloats(model.graph);
  const read = new Set(readTensors(model.graph));
  const isRead = (tensor: string) => read.has(tensor);
  const steps = versionsBetween(from, target);
  const upgraded = steps.reduce(
    (graph, version) => upgradeGraph(graph, version, { fresh, ranks, floats, isRead, problems }),
    model.graph,
  );
  const opsetImport = [
    create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(target) }),
    ...model.opsetImport.filter((entry) => entry.domain !== '' && entry.domain !== 'ai.onnx'),
  ];

  const irVersion = model.irVersion < irVersionOf(target) ? irVersionOf(target) : model.irVersion;

  return { model: { ...model, irVersion, opsetImport, graph: upgraded }, problems };
}

interface Shared {
  readonly fresh: (base: string) => string;
  readonly ranks: (tensor: string) => number | undefined;
  readonly floats: (tensor: string) => readonly number[] | undefined;
  readonly isRead: (tensor: string) => boolean;
  readonly problems: Problem[];
}

function versionsBetween(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index + 1);
}

function upgradeGraph(graph: GraphProto, version: number, shared: Shared): GraphProto {
  const adapters = ADAPTERS[version] ?? {};
  const added: TensorProto[] = [];
  const context: UpgradeContext = {
    fresh: shared.fresh,
    addInitializer: (tensor) => void added.push(tensor),
    rank: shared.ranks,
    floats: shared.floats,
    isRead: shared.isRead,
    problem: (node, reason) =>
      shared.problems.push({
        code: 'operator-not-upgradable',
        severity: 'error',
        message: `Node "${node.name}" (${node.opType}) cannot be raised to operator set ${version}: ${reason}.`,
        data: { node: node.name, op: node.opType, version },
      }),
  };
  const node = graph.node.flatMap((old) => {
    const inner = subgraphs(old).length === 0 ? old : upgradeSubgraphs(old, version, shared);
    const adapter =
      isOnnxDomain(inner) && Object.hasOwn(adapters, inner.opType) ? adapters[inner.opType] : undefined;

    return adapter === undefined ? [inner] : adapter(inner, context);
  });

  return { ...graph, node, initializer: [...graph.initializer, ...added] };
}

function upgradeSubgraphs(node: NodeProto, version: number, shared: Shared): NodeProto {
  const raise = (attribute: AttributeProto): AttributeProto => ({
    ...attribute,
    ...(attribute.g === undefined ? {} : { g: upgradeGraph(attribute.g, version, shared) }),
    graphs: attribute.graphs.map((graph) => upgradeGraph(graph, version, shared)),
  });

  return { ...node, attribute: node.attribute.map(raise) };
}

/** The values of small float constants that lie in the file: initializers and Constant nodes. */
function constantFloats(graph: GraphProto): (tensor: string) => readonly number[] | undefined {
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  for (const node of graph.node) {
    const value = isConstantNode(node) ? tensorAttribute(node, 'value') : undefined;
    if (value !== undefined) constants.set(node.output[0] ?? '', value);
  }

  return (name) => {
    const tensor = constants.get(name);
    const readable =
      tensor?.dataType === ElementType.FLOAT && !isExternal(tensor) && elementCount(tensor.dims) <= 64;

    return readable ? [...readFloats(tensor, '.')] : undefined;
  };
}

function readTensors(graph: GraphProto): string[] {
  return [
    ...graph.output.map((value) => value.name),
    ...graph.node.flatMap((node) => [...node.input, ...subgraphs(node).flatMap(readTensors)]),
  ].filter((tensor) => tensor !== '');
}

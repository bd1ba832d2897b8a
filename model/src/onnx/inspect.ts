import {
  type ExternalFile,
  type ModelNode,
  type ModelSummary,
  QuantsmithError,
  type TensorSignature,
  fail,
  tableOf,
} from '@quantsmith/schemas';
import { resolve } from 'node:path';
import { withFile } from '../files/regular.js';
import { isFloatType } from './elementTypes.js';
import { uniqueNodeNames } from './names.js';
import { unreadableModel } from './read.js';
import {
  readFunction,
  readGraph,
  type Budget,
  type RawFunction,
  type RawGraph,
  type RawNode,
  type TensorShape,
} from './structure.js';
import { dataTypeName, elementCount } from './tensor.js';
import { WireReader, type Field } from './wire.js';
import { text } from './wireValues.js';

/**
 * The structure of an ONNX file. Weights are stepped over, never read, so that a file of hundreds of megabytes costs
 * no more than its nodes; external data is not opened. Does not load the runtime: the language server calls this in
 * its own process. Throws `model-not-found`, `model-not-readable`, `model-not-onnx`, `model-truncated`, and with `maxParts`
 * `model-too-large` when the graph has more nodes, constants and inputs together. `tensors`: with type and shape of each.
 */
export async function inspectModel(
  path: string,
  options: { readonly maxParts?: number; readonly tensors?: boolean } = {},
): Promise<ModelSummary> {
  const { maxParts = Number.POSITIVE_INFINITY, tensors = false } = options;
  const file = resolve(path);
  try {
    return await withFile(file, (handle, size) => {
      const budget = { parts: 0, depth: 0, maxParts, tensors, external: new Map<string, ExternalFile>() };
      return readSummary(new WireReader(handle, file, size), file, budget);
    });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return unreadableModel(file, error);
  }
}

/**
 * The message ModelProto: 1 ir_version, 2 producer_name, 3 producer_version, 7 graph, 8 opset_import, 25 functions. What nodes hold
 * counts towards `maxParts` like the nodes of the main graph.
 */
async function readSummary(reader: WireReader, file: string, budget: Budget): Promise<ModelSummary> {
  const notOnnx = (): never => fail('model-not-onnx', `${file} is not an ONNX model.`, { file });
  const producer = ['', ''];
  const opsets = tableOf<number>();
  let irVersion = 0;
  let graph: RawGraph | undefined;
  const functions: RawFunction[] = [];
  // What cannot even begin as ONNX is "no model"; what begins so and then breaks off is a damaged one.
  let begun = false;
  try {
    const cursor = reader.cursor(0, reader.size);
    while (cursor.step() || (await cursor.load())) {
      const { field } = cursor;
      if (field.number === 1 && field.wireType === 0) irVersion = Number(field.value);
      else if (field.wireType !== 2) continue;
      else if (field.number === 2 || field.number === 3)
        producer[field.number - 2] = await text(reader, field);
      else if (field.number === 8) Object.assign(opsets, await readOpset(reader, field));
      else if (field.number === 7) graph = await readGraph(reader, field, budget);
      else if (field.number === 25) functions.push(await readFunction(reader, field, budget));
      begun ||= irVersion > 0;
    }
  } catch (error) {
    if (error instanceof QuantsmithError && !begun) notOnnx();
    throw error;
  }

  if (graph === undefined || irVersion === 0 || Object.keys(opsets).length === 0) return notOnnx();

  return {
    path: file,
    fileBytes: reader.size,
    irVersion,
    opsets,
    producer: producer.filter((part) => part !== '').join(' '),
    ...(await summarize(graph)),
    externalData: [...budget.external.values()],
    functions: functions.map(({ nodes, ...named }) => ({ ...named, nodes: nodesOf(nodes, new Map()) })),
    ...(budget.tensors ? { tensors: tensorsOf(graph) } : {}),
  };
}

async function summarize(
  graph: RawGraph,
): Promise<Pick<ModelSummary, 'inputs' | 'outputs' | 'nodes' | 'parameterCount'>> {
  const constants = withConstantNodes(graph.nodes, graph.constants);
  const parameters = [...constants.values()].filter((constant) => isFloatType(constant.dataType));

  return {
    // Before IR version 4 constants were listed as inputs too.
    inputs: graph.inputs.filter((input) => !constants.has(input.name)),
    outputs: graph.outputs.map((output) =>
      constants.has(output.name) ? { ...output, constant: true } : output,
    ),
    nodes: await mainNodesOf(graph),
    parameterCount: parameters.reduce((sum, constant) => sum + elementCount(constant.dims), 0),
  };
}

/** What the file states of its tensors: constants, and what flows between nodes. */
function tensorsOf({ nodes, constants, inputs, outputs, values }: RawGraph): TensorSignature[] {
  const held = [...withConstantNodes(nodes, constants)].map(([name, { dims, dataType }]) => ({
    ...{ name, dims },
    type: dataTypeName(dataType),
  }));

  return [...held, ...inputs.filter(({ name }) => !constants.has(name)), ...outputs, ...values];
}

type Constants = ReadonlyMap<string, TensorShape>;

/** The constants with those that Constant nodes give. */
function withConstantNodes(nodes: readonly RawNode[], constants: Constants): Constants {
  const all = new Map(constants);
  for (const { constant, outputs } of nodes)
    if (constant !== null && outputs[0] !== undefined) all.set(outputs[0], constant);

  return all;
}

/** Nodes after which others get their turn. */
const NODES_AT_ONCE = 1000;

/** The nodes of the main graph, others getting their turn between them. */
async function mainNodesOf({ nodes: raw, constants: outer }: RawGraph): Promise<ModelNode[]> {
  const constants = withConstantNodes(raw, outer);
  const names = uniqueNodeNames(raw);
  const nodes: ModelNode[] = [];
  for (const [index, node] of raw.entries()) {
    if (index % NODES_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    nodes.push(nodeOf(node, names[index]!, constants));
  }

  return nodes;
}

/** Nodes with what they hold; a body sees the constants around it. */
function nodesOf(raw: readonly RawNode[], outer: Constants): ModelNode[] {
  const constants = withConstantNodes(raw, outer);
  const names = uniqueNodeNames(raw);
  return raw.map((node, index) => nodeOf(node, names[index]!, constants));
}

function nodeOf(node: RawNode, name: string, constants: Constants): ModelNode {
  const held = node.inputs.flatMap((tensor, input) => {
    const constant = constants.get(tensor);
    return constant === undefined ? [] : [{ input, constant }];
  });

  return {
    name,
    op: node.opType,
    domain: node.domain,
    inputs: node.inputs,
    outputs: node.outputs,
    constants: Object.fromEntries(held.map(({ input, constant }) => [input, constant.dims])),
    floatConstants: held.flatMap(({ input, constant }) => (isFloatType(constant.dataType) ? [input] : [])),
    attributes: node.attributes,
    bodies: node.bodies.flatMap((body) => nodesOf(body.nodes, new Map([...constants, ...body.constants]))),
  };
}

async function readOpset(reader: WireReader, message: Field): Promise<Record<string, number>> {
  let domain = '';
  let version = 0;
  const cursor = reader.cursor(message.start, message.end);
  while (cursor.step() || (await cursor.load())) {
    const { field } = cursor;
    if (field.number === 1) domain = await text(reader, field);
    else if (field.number === 2) version = Number(field.value);
  }

  return { [domain === '' ? 'ai.onnx' : domain]: version };
}

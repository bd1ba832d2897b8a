import { type ExternalFile, type TensorSignature, append, fail, tableOf } from '@quantsmith/schemas';
import type { Field, WireReader } from './wire.js';
import { float32, integers, readSignature, signed, text } from './wireValues.js';

// The messages of a model's graph as its structure needs them: names and shapes; values are stepped over.

/** A constant's shape and type; its values stay in the file. */
export interface TensorShape {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
}

export interface RawNode {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Record<string, number | string | readonly number[]>;
  /** The `value` of a Constant. */
  readonly constant: TensorShape | null;
  readonly bodies: readonly RawGraph[];
}

export interface RawFunction {
  readonly domain: string;
  readonly name: string;
  readonly nodes: readonly RawNode[];
}

export interface RawGraph {
  readonly nodes: RawNode[];
  readonly constants: Map<string, TensorShape>;
  readonly inputs: TensorSignature[];
  readonly outputs: TensorSignature[];
  /** What the file states of the tensors between the nodes. */
  readonly values: TensorSignature[];
}

/** How many nodes, constants and inputs were read, and may be; and how deep in bodies the reading is. */
export interface Budget {
  parts: number;
  depth: number;
  readonly maxParts: number;
  /** Whether what the main graph states of its tensors is read too. */
  readonly tensors: boolean;
  /** By location. */
  readonly external: Map<string, ExternalFile>;
}

/** Bodies within bodies; deeper ones are stepped over. */
const MAX_DEPTH = 32;

/** After so many parts others get their turn: what is buffered is read without a pause otherwise. */
const PARTS_AT_ONCE = 1000;

async function spend(budget: Budget): Promise<void> {
  if (++budget.parts % PARTS_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
  if (budget.parts <= budget.maxParts) return;
  fail('model-too-large', `The model has more than ${budget.maxParts} nodes, constants and inputs.`);
}

/** The message FunctionProto: 1 name, 7 node, 10 domain. */
export async function readFunction(reader: WireReader, message: Field, budget: Budget): Promise<RawFunction> {
  const named = { name: '', domain: '' };
  const nodes: RawNode[] = [];
  const cursor = reader.cursor(message.start, message.end);
  while (cursor.step() || (await cursor.load())) {
    const { field } = cursor;
    if (field.wireType !== 2) continue;
    if (field.number === 1) named.name = await text(reader, field);
    else if (field.number === 10) named.domain = await text(reader, field);
    else if (field.number === 7) {
      await spend(budget);
      nodes.push(await readNode(reader, field, budget));
    }
  }

  return { ...named, nodes };
}

/** The message GraphProto: 1 node, 5 initializer, 11 input, 12 output, 13 value_info, 15 sparse_initializer. */
export async function readGraph(reader: WireReader, message: Field, budget: Budget): Promise<RawGraph> {
  const graph: RawGraph = { nodes: [], constants: new Map(), inputs: [], outputs: [], values: [] };
  const cursor = reader.cursor(message.start, message.end);
  while (cursor.step() || (await cursor.load())) {
    const { field } = cursor;
    if (field.wireType !== 2) continue;
    await spend(budget);
    if (field.number === 1) graph.nodes.push(await readNode(reader, field, budget));
    else if (field.number === 11) graph.inputs.push(await readSignature(reader, field));
    else if (field.number === 12) graph.outputs.push(await readSignature(reader, field));
    else if (field.number === 13 && budget.tensors && budget.depth === 0)
      graph.values.push(await readSignature(reader, field));
    else if (field.number === 5 || field.number === 15) {
      const read = field.number === 5 ? readTensor : readSparse;
      const constant = await read(reader, field, budget);
      graph.constants.set(constant.name, constant);
    }
  }

  return graph;
}

/** The message SparseTensorProto: 1 values, which have the name, 3 dims. */
async function readSparse(reader: WireReader, message: Field, budget: Budget): Promise<TensorShape> {
  let values: TensorShape = { name: '', dims: [], dataType: 0 };
  const dims: number[] = [];
  const cursor = reader.cursor(message.start, message.end);
  while (cursor.step() || (await cursor.load())) {
    const { field } = cursor;
    if (field.number === 1) values = await readTensor(reader, field, budget);
    else if (field.number === 3) append(dims, await integers(reader, field));
  }

  return { ...values, dims };
}

/** The message NodeProto: 1 input, 2 output, 3 name, 4 op_type, 5 attribute, 7 domain. */
async function readNode(reader: WireReader, message: Field, budget: Budget): Promise<RawNode> {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const names = { name: '', opType: '', domain: '' };
  const attributes: RawNode['attributes'] = tableOf();
  let constant: TensorShape | null = null;
  const bodies: RawGraph[] = [];
  const cursor = reader.cursor(message.start, message.end);
  while (cursor.step() || (await cursor.load())) {
    const { field } = cursor;
    if (field.wireType !== 2) continue;
    if (field.number === 1) inputs.push(await text(reader, field));
    else if (field.number === 2) outputs.push(await text(reader, field));
    else if (field.number === 3) names.name = await text(reader, field);
    else if (field.number === 4) names.opType = await text(reader, field);
    else if (field.number === 7) names.domain = await text(reader, field);
    else if (field.number === 5) {
      const attribute = await readAttribute(reader, field, budget);
      append(bodies, attribute.graphs);
      if (attribute.value !== null) attributes[attribute.name] = attribute.value;
      if (attribute.name === 'value' && attribute.tensor !== null) constant = attribute.tensor;
    }
  }

  return {
    ...names,
    inputs,
    outputs,
    attributes,
    constant: names.opType === 'Constant' ? constant : null,
    bodies,
  };
}

interface RawAttribute {
  readonly name: string;
  readonly value: number | string | readonly number[] | null;
  readonly tensor: TensorShape | null;
  readonly graphs: readonly RawGraph[];
}

/**
 * The message AttributeProto: 1 name, 2 f, 3 i, 4 s, 5 t, 6 g, 8 ints, 11 graphs, 20 type (1 float, 2 int, 3 string, 7 ints).
 */
async function readAttribute(reader: WireReader, message: Field, budget: Budget): Promise<RawAttribute> {
  let name = '';
  let type = 0;
  let float = 0;
  let int = 0;
  let string = '';
  let tensor: TensorShape | null = null;
  const ints: number[] = [];
  const graphs: RawGraph[] = [];
  const cursor = reader.cursor(message.start, message.end);
  while (cursor.step() || (await cursor.load())) {
    const { field } = cursor;
    if (field.number === 1) name = await text(reader, field);
    else if (field.number === 20) type = Number(field.value);
    else if (field.number === 2 && field.wireType === 5) float = await float32(reader, field);
    else if (field.number === 3) int = signed(field.value);
    else if (field.number === 4) string = field.end - field.start > 256 ? '…' : await text(reader, field);
    else if (field.number === 5) tensor = await readTensor(reader, field, budget);
    else if ((field.number === 6 || field.number === 11) && budget.depth < MAX_DEPTH) {
      budget.depth++;
      graphs.push(await readGraph(reader, field, budget));
      budget.depth--;
    } else if (field.number === 8) append(ints, await integers(reader, field));
  }

  const value = type === 1 ? float : type === 2 ? int : type === 3 ? string : type === 7 ? ints : null;

  return { name, value, tensor, graphs };
}

/** The message TensorProto: 1 dims, 2 data_type, 8 name, 13 external_data; everything else is values, and stepped over. */
async function readTensor(reader: WireReader, message: Field, budget: Budget): Promise<TensorShape> {
  const dims: number[] = [];
  let name = '';
  let dataType = 0;
  const external: [string, string][] = [];
  const cursor = reader.cursor(message.start, message.end);
  while (cursor.step() || (await cursor.load())) {
    const { field } = cursor;
    if (field.number === 1) append(dims, await integers(reader, field));
    else if (field.number === 2) dataType = Number(field.value);
    else if (field.number === 8) name = await text(reader, field);
    else if (field.number === 13) external.push(await readEntry(reader, field));
  }

  if (external.length > 0) noteExternal(budget, name, Object.fromEntries(external));

  return { name, dims, dataType };
}

/** The message StringStringEntryProto: 1 key, 2 value. */
async function readEntry(reader: WireReader, message: Field): Promise<[string, string]> {
  const entry: [string, string] = ['', ''];
  const cursor = reader.cursor(message.start, message.end);
  while (cursor.step() || (await cursor.load())) {
    const { field } = cursor;
    if (field.number === 1 || field.number === 2) entry[field.number - 1] = await text(reader, field);
  }

  return entry;
}

/** Keeps how far a file of external data is read, and by which tensor. */
function noteExternal(
  { external }: Budget,
  tensor: string,
  { location = '', offset = '0', length = '0' }: Readonly<Record<string, string>>,
): void {
  const bytes = Number(offset) + Number(length);
  const known = external.get(location);
  if (known === undefined || known.bytes < bytes) external.set(location, { location, tensor, bytes });
}

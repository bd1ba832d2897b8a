import type { Problem } from '@quantsmith/schemas';
import { marksQuantized } from '../operators/kernels.js';
import { einsumProduct } from '../operators/einsum.js';
import { functionKey, isOnnxDomain } from '../onnx/node.js';
import { operatorSince } from '../operators/standard.js';
import { isKnownTo, plainProduct } from '../operators/structure.js';
import { MAXIMUM_READ_OPSET, MINIMUM_READ_OPSET } from '../upgrade/index.js';
import type { Structure, StructureNode } from './structure.js';

/** Domains whose operators ONNX Runtime brings along. */
const KNOWN_DOMAINS: ReadonlySet<string> = new Set([
  ...['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft', 'com.microsoft.nchwc', 'com.ms.internal.nhwc'],
]);

/** Why a model cannot even be prepared for quantization, reason by reason. */
const AGAINST_PREPARING: readonly RefusalCheck[] = [
  unreadableOperatorSet,
  quantizedAlready,
  strangeOperator,
  absentOperator,
  tensorTwice,
  tensorMissing,
  cycle,
];

/**
 * Why a run refuses a model, from its structure alone: the first of these that is not null. The engine asks before it loads the
 * model, and the editor while the config is written: one decision.
 */
export const REFUSAL_CHECKS: readonly RefusalCheck[] = [...AGAINST_PREPARING, nothingToQuantize];

/** null: nothing is known against the model. */
type RefusalCheck = (structure: Structure) => Problem | null;

/** The first of REFUSAL_CHECKS that knows something against a model. */
export const refusalOf: RefusalCheck = (structure) => firstOf(REFUSAL_CHECKS, structure);

/** Every code of `refusalOf`. */
export const REFUSAL_CODES = [
  'already-quantized',
  'model-cyclic',
  'model-tensor-missing',
  'model-tensor-twice',
  'nothing-to-quantize',
  'opset-unsupported',
  'runtime-unknown-operator',
] as const;

/** The first of those because of which a model cannot even be prepared. */
export const cannotPrepare: RefusalCheck = (structure) => firstOf(AGAINST_PREPARING, structure);

function firstOf(checks: readonly RefusalCheck[], structure: Structure): Problem | null {
  for (const check of checks) {
    const refusal = check(structure);
    if (refusal !== null) return refusal;
  }

  return null;
}

/** What a run does with linear operators in bodies of If, Loop and Scan: to be said beforehand. Empty where there are none. */
export function operatorsInBodies(structure: Structure): Problem[] {
  const nodes = expanded(structure);
  const outside = nodes.filter(isQuantizable).length;
  const inside = inBodies(nodes);
  if (inside === 0) return [];

  return [
    {
      code: 'operators-in-bodies',
      severity: 'info',
      message: `${inside} of the model's ${outside + inside} linear operators are in bodies of If, Loop or Scan. They are quantized there, with ranges from the calibration samples that run them; a body that none of them runs stays in float.`,
      configPath: ['model'],
      data: { inside, outside },
    },
  ];
}

function refuse(
  code: (typeof REFUSAL_CODES)[number],
  message: string,
  data: NonNullable<Problem['data']>,
): Problem {
  return { code, severity: 'error', message, configPath: ['model'], data };
}

function unreadableOperatorSet({ opset }: Structure): Problem | null {
  if (opset >= MINIMUM_READ_OPSET && opset <= MAXIMUM_READ_OPSET) return null;
  const limits = `${MINIMUM_READ_OPSET} to ${MAXIMUM_READ_OPSET} can be read`;
  return refuse('opset-unsupported', `The model uses operator set ${opset}; ${limits}.`, { opset });
}

function quantizedAlready(structure: Structure): Problem | null {
  const marker = expanded(structure).find(({ op }) => marksQuantized(op));
  if (marker === undefined) return null;
  const { name: node, op } = marker;
  return refuse(
    'already-quantized',
    `The model is already quantized: node "${node}" is ${article(op)} ${op}. Quantize the float model that it was made from.`,
    { node, op },
  );
}

function strangeOperator(structure: Structure): Problem | null {
  const functions = new Set(structure.functions.map(({ domain, name }) => functionKey(domain, name)));
  const all = withBodies(expanded(structure));
  const foreign = all.find(
    ({ domain, op }) => !KNOWN_DOMAINS.has(domain) && !functions.has(functionKey(domain, op)),
  );
  if (foreign === undefined) return null;
  const { name: node, op, domain } = foreign;
  return refuse(
    'runtime-unknown-operator',
    `ONNX Runtime does not have the operator ${domain}.${op} of node "${node}": models with custom operators cannot run here.`,
    { node, op: `${domain}.${op}` },
  );
}

/** An operator that ONNX does not have, or not yet in the operator set that the model states. */
function absentOperator({ opset, nodes, functions }: Structure): Problem | null {
  const functionKeys = new Set(functions.map(({ domain, name }) => functionKey(domain, name)));
  for (const { name: node, op, domain } of withBodies(nodes)) {
    if (!isOnnxDomain({ domain }) || functionKeys.has(functionKey(domain, op))) continue;
    const since = operatorSince(op);
    if (since !== undefined && since <= opset) continue;
    const why =
      since === undefined
        ? 'ONNX has no such operator'
        : `it is there from operator set ${since} on, and the model states ${opset}: export it with ${since} or a later one`;

    return refuse(
      'runtime-unknown-operator',
      `ONNX Runtime does not have the operator ${op} of node "${node}": ${why}.`,
      { node, op, ...(since === undefined ? {} : { since, opset }) },
    );
  }

  return null;
}

/** A tensor that several nodes write, or that is an input too. */
function tensorTwice({ inputs, nodes }: Structure): Problem | null {
  const defined = new Set(inputs);
  for (const { name: node, outputs } of nodes)
    for (const tensor of outputs) {
      if (tensor !== '' && defined.has(tensor))
        return refuse(
          'model-tensor-twice',
          `The tensor "${tensor}" of the model is defined more than once.`,
          {
            ...{ tensor, node },
          },
        );

      defined.add(tensor);
    }

  return null;
}

/** A tensor that a node reads, or the model gives out, and that is neither an input nor a constant nor the output of a node. */
function tensorMissing({ inputs, outputs, nodes }: Structure): Problem | null {
  const made = new Set([...inputs, ...nodes.flatMap((node) => node.outputs)]);
  const isMissing = (tensor: string) => tensor !== '' && !made.has(tensor);
  for (const { name: node, op, inputs: read, constants } of nodes) {
    const tensor = read.find((name, input) => constants[input] === undefined && isMissing(name));
    if (tensor === undefined) continue;
    const message = `Node "${node}" (${op}) of the model reads "${tensor}", which is no input, no constant and no node's output.`;
    return refuse('model-tensor-missing', message, { tensor, node });
  }

  const tensor = outputs.find(isMissing);
  if (tensor === undefined) return null;
  const message = `The model's output "${tensor}" is no input, no constant and no node's output.`;

  return refuse('model-tensor-missing', message, { tensor });
}

/**
 * A node that waits for itself. What bodies of If, Loop and Scan capture is left aside: a name in them may be their own. Nodes
 * mostly stand in the order that they run in, which shows in one pass; where they do not, they are put into one.
 */
function cycle({ nodes }: Structure): Problem | null {
  const makers = new Map<string, number>();
  for (const [index, { outputs }] of nodes.entries())
    for (const tensor of outputs) if (tensor !== '') makers.set(tensor, index);

  const isInOrder = nodes.every(({ inputs }, index) =>
    inputs.every((tensor) => (makers.get(tensor) ?? -1) < index),
  );
  if (isInOrder) return null;

  const stuck = firstStuck(nodes, makers);
  if (stuck === undefined) return null;
  const { name: node, op } = stuck;

  return refuse('model-cyclic', `The model's graph has a cycle through node "${node}" (${op}).`, { node });
}

/** The first node that never runs (Kahn's algorithm; a tensor that a node reads twice counts twice). */
function firstStuck(
  nodes: readonly StructureNode[],
  makers: ReadonlyMap<string, number>,
): StructureNode | undefined {
  const readers = nodes.map((): number[] => []);
  const missing = nodes.map(() => 0);
  for (const [index, { inputs }] of nodes.entries())
    for (const tensor of inputs) {
      const maker = makers.get(tensor);
      if (maker === undefined) continue;
      missing[index] = (missing[index] ?? 0) + 1;
      readers[maker]?.push(index);
    }

  const ready = [...nodes.keys()].filter((index) => missing[index] === 0);
  // It grows while it is gone through.
  for (const index of ready)
    for (const reader of readers[index] ?? []) {
      const left = (missing[reader] ?? 0) - 1;
      missing[reader] = left;
      if (left === 0) ready.push(reader);
    }

  return nodes.find((_, index) => (missing[index] ?? 0) > 0);
}

/** Why there is nothing in a model to quantize; null: there is something. */
export function nothingToQuantize(structure: Structure): Problem | null {
  const nodes = expanded(structure);
  if (nodes.some(isQuantizable) || inBodies(nodes) > 0) return null;
  const message =
    'The model has nothing to quantize: it has no Conv, ConvTranspose, Gemm, MatMul or embedding.';

  return refuse('nothing-to-quantize', message, {});
}

/** Nodes of the main graph, and once those of each function that it calls, directly or not. */
function expanded({ nodes, functions }: Structure): readonly StructureNode[] {
  if (functions.length === 0) return nodes;
  const bodies = new Map(functions.map(({ domain, name, nodes: body }) => [functionKey(domain, name), body]));
  const called = new Set(bodies.keys());
  const all: StructureNode[] = [];
  const queue = [nodes];
  for (let some = queue.pop(); some !== undefined; some = queue.pop()) {
    for (const node of some) {
      const key = functionKey(node.domain, node.op);
      const body = bodies.get(key);
      if (!called.has(key)) all.push(node);
      if (body === undefined) continue;
      bodies.delete(key);
      queue.push(body);
    }
  }

  return all;
}

/** The same nodes where none has a body. */
function withBodies(nodes: readonly StructureNode[]): readonly StructureNode[] {
  if (nodes.every(({ bodies }) => bodies.length === 0)) return nodes;
  return nodes.flatMap((node) => [node, ...withBodies(node.bodies)]);
}

/** How many linear operators are in the bodies of these nodes, and in the bodies in those. */
export const inBodies = (nodes: readonly StructureNode[]): number =>
  withBodies(nodes.flatMap(({ bodies }) => bodies)).filter(isQuantizable).length;

/** A linear operator of which at least one operand is no constant and none is empty, or a lookup in a table of float vectors. */
function isQuantizable(node: StructureNode): boolean {
  const { op, domain, inputs, constants, floatConstants } = node;
  if (isKnownTo('embeds')({ op, domain })) return floatConstants.includes(0) && constants[0]?.length === 2;
  const operands = inputs.slice(0, 2).map((_, input) => constants[input]);
  const isEmpty = operands.some((dims) => dims?.includes(0) === true);
  return isProduct(node) && !isEmpty && operands.includes(undefined);
}

/** Linear operators, and what becomes some before a model is quantized. */
function isProduct({ op, domain, attributes: { equation } }: StructureNode): boolean {
  if (isKnownTo('linear')({ op, domain }) || plainProduct({ op, domain }) !== undefined) return true;
  return op === 'Einsum' && typeof equation === 'string' && einsumProduct(equation) !== undefined;
}

const article = (op: string) => (/^[AEIOU]/.test(op) ? 'an' : 'a');

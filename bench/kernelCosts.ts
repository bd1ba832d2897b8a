import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import {
  ElementType,
  encodeModel,
  makeNode,
  makeTensor,
  type ModelProto,
  type NodeProto,
} from '@quantsmith/model/onnx';
import { INSTRUCTION_SETS } from '@quantsmith/schemas';
import type { ClassCosts, KernelCosts } from '../engine/src/placement/kernelCosts.js';
import { cpuFeatures } from '../engine/src/runtime/cpu.js';
import { kernelsOf, optimizedModel } from '../engine/src/runtime/optimized.js';
import { createSession, run, runtimeVersion, type Session } from '../engine/src/runtime/session.js';
import { floats, model, value } from '../test/kit/models.js';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const TABLE = 'engine/src/placement/kernelCosts.json';
/** Elements of the tensors. */
const SIZES = [1024, 16_384, 262_144] as const;
const CHANNELS = 16;
/** Kernels in a row: the difference of the two chains is that of so many kernels, without the session's own work. */
const CHAINS = [2, 18] as const;
const RUNS = 30;

type Kind = 'float' | 'integer';
/** One operator reading `x` and writing `y`; both have the same number of elements, so that it can be chained. */
type Operator = (x: string, y: string) => NodeProto;

/** Kernels that take as long wherever they stand; those of pooling depend on the layout that convolutions around them ask for. */
const OPERATORS: Readonly<Record<string, Operator>> = {
  Add: (x, y) => makeNode('Add', [x, 'b'], [y], {}, { name: y }),
  Mul: (x, y) => makeNode('Mul', [x, 'b'], [y], {}, { name: y }),
  Sigmoid: (x, y) => makeNode('Sigmoid', [x], [y], {}, { name: y }),
  LeakyRelu: (x, y) => makeNode('LeakyRelu', [x], [y], {}, { name: y }),
};
const LINKS: Readonly<Record<string, Operator>> = {
  Neg: (x, y) => makeNode('Neg', [x], [y], {}, { name: y }),
};

/** `length` operators in a row; between integer ones stand quantizers, which the runtime turns into its integer kernels. */
function chain(operator: Operator, kind: Kind, length: number, size: number): ModelProto {
  const dims = [1, CHANNELS, 8, size / CHANNELS / 8];
  const nodes: NodeProto[] = [];
  const initializers = [
    floats(
      'b_float',
      dims,
      Float32Array.from({ length: size }, (_, i) => (i % 7) / 7),
    ),
    floats('scale', [], [0.01]),
    makeTensor('zero', [], ElementType.UINT8, Uint8Array.of(128)),
  ];
  const pair = (x: string, y: string) => {
    nodes.push(makeNode('QuantizeLinear', [x, 'scale', 'zero'], [`${y}_q`], {}, { name: `${y}_q` }));
    nodes.push(makeNode('DequantizeLinear', [`${y}_q`, 'scale', 'zero'], [y], {}, { name: `${y}_dq` }));
  };

  const operand = kind === 'integer';
  if (operand) pair('b_float', 'b');
  else nodes.push(makeNode('Identity', ['b_float'], ['b'], {}, { name: 'b' }));
  let current = 'x';
  if (operand) pair(current, (current = 'x0'));
  for (let i = 0; i < length; i++) {
    const made = `y${i}`;
    nodes.push(operator(current, made));
    current = made;
    if (operand) pair(current, (current = `d${i}`));
  }

  return model({
    ...{ nodes, initializers },
    inputs: [value('x', dims)],
    outputs: [value(current, dims)],
  });
}

/** Pairs of quantizers between operators that have no integer kernel. */
const conversions = (length: number, size: number) => chain(LINKS['Neg']!, 'integer', length, size);

async function opened(network: ModelProto): Promise<Session> {
  return createSession(encodeModel(network), { threads: 1 });
}

/** The least milliseconds of one inference over some runs. */
async function least(session: Session, size: number): Promise<number> {
  const dims = [1, CHANNELS, 8, size / CHANNELS / 8];
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  const feeds = { x: { type: 'float32' as const, dims, data } };
  let best = Infinity;
  for (let i = 0; i < RUNS; i++) {
    const begun = performance.now();
    await run(session, feeds);
    best = Math.min(best, performance.now() - begun);
  }

  return best;
}

/** Microseconds that one kernel of a chain takes, for each size: the least of several rounds, in which all take turns. */
async function measure(make: (length: number, size: number) => ModelProto): Promise<number[]> {
  const times: number[] = [];
  for (const size of SIZES) {
    const sessions = await Promise.all(CHAINS.map((length) => opened(make(length, size))));
    const bests = [Infinity, Infinity];
    for (let round = 0; round < Number(options.rounds); round++) {
      for (const [i, session] of sessions.entries())
        bests[i] = Math.min(bests[i]!, await least(session, size));
    }

    for (const session of sessions) await session.release();
    times.push((1000 * (bests[1]! - bests[0]!)) / (CHAINS[1] - CHAINS[0]));
  }

  return times;
}

const rounded = (x: number) => Number(x.toPrecision(3));

/** Ends the script where the runtime does not use the kernel that is to be measured. */
async function expectIntegers(name: string, operator: Operator): Promise<void> {
  const bytes = encodeModel(chain(operator, 'integer', 2, SIZES[0]));
  const kernels = [...new Set(kernelsOf(bytes, await optimizedModel(bytes)).values())];
  const found = kernels.filter(({ kind, op }) => kind === 'integer' && op.includes(name)).length;
  if (found !== 2) throw new Error(`${name}: ${kernels.map(({ op }) => op).join(', ')}`);
}

const kernels: Record<string, ClassCosts['kernels'][string]> = {};
const load = loadavg()[0]!;
for (const [name, operator] of Object.entries(OPERATORS)) {
  await expectIntegers(name, operator);
  const [float, integer] = [
    await measure((length, size) => chain(operator, 'float', length, size)),
    await measure((length, size) => chain(operator, 'integer', length, size)),
  ];
  console.log(name, 'float', float.map(rounded), 'integer', integer.map(rounded), 'µs');
  kernels[name] = { float: float.map(rounded), integer: integer.map(rounded) };
}

const negation = await measure((length, size) => chain(LINKS['Neg']!, 'float', length, size));
const both = (await measure(conversions)).map((time, i) => Math.max(0, time - negation[i]!));
console.log('Quantize + DequantizeLinear', both.map(rounded), 'µs');

const { isa, model: cpu } = await cpuFeatures();
const measured = INSTRUCTION_SETS.findLast((name) => isa.includes(name));
if (measured === undefined) throw new Error('This CPU has none of the instruction sets of the table.');
const table = JSON.parse(readFileSync(TABLE, 'utf8')) as KernelCosts;
const classes = {
  ...table.classes,
  [measured]: {
    cpu,
    runtime: runtimeVersion(),
    load: rounded(load),
    cores: cpus().length,
    elements: SIZES,
    kernels,
    conversions: both.map(rounded),
  },
};
writeFileSync(TABLE, `${JSON.stringify({ classes }, null, 2)}\n`);

import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomOf } from './random.js';

/** What a kill is aimed at, and what came of it. */
export interface Kill {
  readonly seed: number;
  readonly victim: 'command line' | 'engine' | 'both';
  readonly signal: NodeJS.Signals;
  /** The stage whose beginning starts the wait. */
  readonly stage: string;
  readonly delayMs: number;
  readonly beside: boolean;
  readonly externalData: boolean;
  /** Empty: all is as it has to be. */
  readonly faults: readonly string[];
  /** Whether the run had ended before the kill came. */
  readonly late: boolean;
  /** Milliseconds for which the engine outlived its parent; null: it was killed itself. */
  readonly outlivedMs: number | null;
}

const STAGES = [
  'load',
  'prepare',
  'calibrate',
  'quantize',
  'validate',
  'rank',
  'restore',
  'measure',
  'write',
];
const MAX_DELAY_MS = 25;

/**
 * Kills one run of the example at a moment that the seed decides, and looks at what is left before and after the next run,
 * which resumes. `cli` is the built command line.
 */
export async function killOnce(seed: number, cli: string, examples: string): Promise<Kill> {
  const random = randomOf(seed);
  const stage = random.chance(1 / 3) ? 'write' : random.pick(STAGES);
  const victim = random.pick(['command line', 'engine', 'both'] as const);
  const signal = victim === 'command line' ? random.pick(SIGNALS) : 'SIGKILL';
  const aim = {
    stage,
    victim,
    signal,
    delayMs: random.below(MAX_DELAY_MS * 100) / 100,
    beside: random.chance(0.1),
  };
  const externalData = random.chance(0.5);
  const base = mkdtempSync(join(tmpdir(), 'quantsmith-kill-'));
  try {
    const folder = arrange(base, examples, externalData);
    if (random.chance(0.5)) await finished(start(cli, base, []));
    const before = inputHashes(folder);
    const { late, outlivedMs } = await attack(cli, base, aim);
    const faults = [
      ...(JSON.stringify(inputHashes(folder)) === JSON.stringify(before) ? [] : ['an input has changed']),
      ...pairFaults(folder, 'after the kill'),
    ];
    const { status, text } = await finished(start(cli, base, ['--resume']));
    if (status !== 0) faults.push(`the next run ended with ${status}: ${text.slice(-300)}`);
    faults.push(...pairFaults(folder, 'after the next run'), ...leftovers(base, folder));
    const model = hashOf(join(folder, 'digits.int8.onnx'));
    const expected = await reference(cli, examples, externalData);
    if (model !== expected) faults.push('the resumed run gave another model');
    return { seed, ...aim, externalData, faults, late, outlivedMs };
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

const SIGNALS = ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function arrange(base: string, examples: string, externalData: boolean): string {
  const folder = join(base, 'digits');
  cpSync(examples, folder, { recursive: true });
  mkdirSync(join(base, 'tmp'));
  const path = join(folder, 'digits.quant.yaml');
  const text = readFileSync(path, 'utf8');
  if (externalData)
    writeFileSync(
      path,
      text.replace('advanced_parameters:', 'advanced_parameters:\n    backend_params: {external_data: true}'),
    );
  return folder;
}

function start(cli: string, base: string, options: readonly string[]): ChildProcess {
  return spawn(process.execPath, [cli, 'run', 'digits.quant.yaml', ...options], {
    cwd: join(base, 'digits'),
    env: { ...process.env, TMPDIR: join(base, 'tmp'), QUANTSMITH_CACHE: join(base, 'cache') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

function finished(child: ChildProcess): Promise<{ status: number | null; text: string }> {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, text })));
}

interface Aim {
  readonly stage: string;
  readonly victim: Kill['victim'];
  readonly signal: NodeJS.Signals;
  readonly delayMs: number;
  readonly beside: boolean;
}

async function attack(
  cli: string,
  base: string,
  aim: Aim,
): Promise<{ late: boolean; outlivedMs: number | null }> {
  const child = start(cli, base, []);
  const ended = finished(child);
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  await stageBegins(child, aim.stage);
  const second = aim.beside ? start(cli, base, []) : null;
  const secondEnded = second === null ? null : finished(second);
  await new Promise((resolve) => setTimeout(resolve, aim.delayMs));
  const engine = hasEnded ? null : childOf(child.pid!);
  const late = hasEnded || engine === null;
  if (aim.victim !== 'command line' && engine !== null) send(engine, 'SIGKILL');
  if (aim.victim !== 'engine') child.kill(aim.signal);
  await ended;
  const outlivedMs = aim.victim === 'command line' && engine !== null ? await untilGone(engine) : null;
  await secondEnded;
  return { late, outlivedMs };
}

/** The command line says a line for each stage; of a run that never comes there, the end. */
function stageBegins(child: ChildProcess, stage: string): Promise<void> {
  return new Promise((resolve) => {
    let text = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(`${stage} …`)) resolve();
    });
    child.once('close', () => resolve());
  });
}

function childOf(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? null : Number(text.split(' ')[0]);
  } catch {
    return null;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

async function untilGone(pid: number): Promise<number> {
  const begun = performance.now();
  const isThere = () => {
    try {
      return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  };
  while (isThere() && performance.now() - begun < 100_000)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return Math.round(performance.now() - begun);
}

const hashOf = (path: string) =>
  existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : null;

const inputHashes = (folder: string) =>
  [
    'digits.onnx',
    'digits.quant.yaml',
    'data/calibration.npy',
    'data/validation.npy',
    'data/validation-labels.npy',
  ].map((name) => hashOf(join(folder, name)));

/** Model and report belong together, and the model's external data is there. */
function pairFaults(folder: string, when: string): string[] {
  const model = hashOf(join(folder, 'digits.int8.onnx'));
  const path = join(folder, 'digits.int8.onnx.report.json');
  if (model === null && !existsSync(path)) return [];
  if (model === null || !existsSync(path))
    return [`${when}: ${model === null ? 'a report' : 'a model'} alone`];
  const { output } = JSON.parse(readFileSync(path, 'utf8')) as { output: { sha256: string } };
  if (output.sha256 !== model) return [`${when}: the report is of another model`];
  const named = /digits\.int8\.onnx\.[0-9a-f]{16}\.data/.exec(
    readFileSync(join(folder, 'digits.int8.onnx'), 'latin1'),
  )?.[0];
  return named === undefined || existsSync(join(folder, named))
    ? []
    : [`${when}: the external data is missing`];
}

const EXPECTED =
  /^(\.quantsmith|README\.md|data|digits.*\.quant\.yaml|digits\.onnx|train\.py|digits\.int8\.onnx(\.report\.json)?)$/;

function leftovers(base: string, folder: string): string[] {
  const data = readdirSync(folder).filter((name) => name.endsWith('.data'));
  const strange = readdirSync(folder).filter((name) => !EXPECTED.test(name) && !name.endsWith('.data'));
  const runs = join(folder, '.quantsmith/runs/digits.quant.yaml');
  const unfinished = existsSync(runs) ? readdirSync(runs).filter((name) => name.includes('~')) : [];
  const all = [...strange, ...data.slice(1), ...unfinished, ...readdirSync(join(base, 'tmp'))];
  return all.length === 0 ? [] : [`left after the next run: ${all.join(', ')}`];
}

const references = new Map<string, Promise<string | null>>();

/** The model that a run without a kill gives. */
function reference(cli: string, examples: string, externalData: boolean): Promise<string | null> {
  const key = `${cli}:${externalData}`;
  const known = references.get(key);
  if (known !== undefined) return known;
  const made = (async () => {
    const base = mkdtempSync(join(tmpdir(), 'quantsmith-kill-'));
    try {
      const folder = arrange(base, examples, externalData);
      await finished(start(cli, base, []));
      return hashOf(join(folder, 'digits.int8.onnx'));
    } finally {
      rmSync(base, { recursive: true, force: true });
    }
  })();
  references.set(key, made);
  return made;
}

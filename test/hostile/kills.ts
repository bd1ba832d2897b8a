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
import { randomOf, type Random } from './random.js';

/** What a kill is aimed at, and what came of it. */
interface Kill {
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

const STAGES = ['load', 'prepare', 'calibrate', 'quantize', 'verify', 'measure'];
/** These come only where accuracy is restored. */
const RESTORING_STAGES = ['validate', 'rank', 'restore'];
const MAX_DELAY_MS = 25;
/** Every so many kills: one aimed at the write stage, one with a second run beside. */
const WRITE_EVERY = 3;
const BESIDE_EVERY = 10;

/** Kills runs one after the other: what the run after a kill has written is what the next kill finds. */
export interface Kills {
  /**
   * Kills one run at a moment that the seed decides, and looks at what is left before and after the next run, which resumes.
   */
  readonly kill: (seed: number) => Promise<Kill>;
  /** Removes the folders. */
  readonly close: () => void;
}

/** `cli` is the built command line, `examples` the folder of the bundled example, whose model and data are used. */
export function openKills(cli: string, examples: string): Kills {
  const places = new Map<string, Place>();
  const placeOf = (restores: boolean, externalData: boolean) => {
    const key = `${restores}:${externalData}`;
    const place = places.get(key) ?? arrange(examples, { restores, externalData });
    places.set(key, place);
    return { key, place };
  };

  return {
    async kill(seed) {
      const random = randomOf(seed);
      const restores = random.chance(1 / 3);
      const { key, place } = placeOf(restores, random.chance(0.5));
      const made = await killIn(place, { cli, seed, random, restores });
      // What is wrong here must not be found again by the next kill.
      if (made.faults.length > 0) {
        rmSync(place.base, { recursive: true, force: true });
        places.delete(key);
      }

      return made;
    },
    close() {
      for (const { base } of places.values()) rmSync(base, { recursive: true, force: true });
    },
  };
}

interface Victim {
  readonly cli: string;
  readonly seed: number;
  readonly random: Random;
  readonly restores: boolean;
}

async function killIn(place: Place, { cli, seed, random, restores }: Victim): Promise<Kill> {
  const { base, folder } = place;
  const stages = restores ? [...STAGES, ...RESTORING_STAGES] : STAGES;
  const victim = random.pick(['command line', 'engine', 'both'] as const);
  const aim = {
    stage: seed % WRITE_EVERY === 0 ? 'write' : random.pick(stages),
    victim,
    signal: victim === 'command line' ? random.pick(SIGNALS) : ('SIGKILL' as const),
    delayMs: random.below(MAX_DELAY_MS * 100) / 100,
    beside: seed % BESIDE_EVERY === 0,
  };

  const variant = place.next();
  const expected = await place.reference(variant, cli);
  if (random.chance(0.3)) removeOutputs(folder);
  if (random.chance(0.5)) rmSync(join(base, 'cache'), { recursive: true, force: true });
  const before = inputHashes(folder);
  const { late, outlivedMs } = await attack(cli, base, aim);
  const faults = [
    ...(JSON.stringify(inputHashes(folder)) === JSON.stringify(before) ? [] : ['an input has changed']),
    ...pairFaults(folder, 'after the kill'),
  ];

  const { status, text } = await finished(start(cli, base, ['--resume']));
  if (status !== 0) faults.push(`the next run ended with ${status}: ${text.slice(-300)}`);
  faults.push(...pairFaults(folder, 'after the next run'), ...leftovers(base, folder));
  if (hashOf(join(folder, MODEL)) !== expected) faults.push('the resumed run gave another model');

  return { seed, ...aim, externalData: place.externalData, faults, late, outlivedMs };
}

const SIGNALS = ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const MODEL = 'digits.int8.onnx';
const CONFIG = 'digits.quant.yaml';

/** A copy of the example with a config that is soon run. */
interface Place {
  readonly base: string;
  readonly folder: string;
  readonly externalData: boolean;
  /** Writes the config anew, so that the next run gives another model than the last; returns which of two. */
  readonly next: () => number;
  /** The model that a run without a kill gives. */
  readonly reference: (variant: number, cli: string) => Promise<string | null>;
}

function arrange(
  examples: string,
  settings: { readonly restores: boolean; readonly externalData: boolean },
): Place {
  const base = mkdtempSync(join(tmpdir(), 'quantsmith-kill-'));
  const folder = join(base, 'digits');
  cpSync(examples, folder, { recursive: true });
  removeOutputs(folder);
  mkdirSync(join(base, 'tmp'));
  let variant = 0;
  const known = new Map<number, string | null>();

  return {
    base,
    folder,
    externalData: settings.externalData,
    next() {
      variant = 1 - variant;
      writeFileSync(join(folder, CONFIG), configText(variant, settings));
      return variant;
    },
    async reference(wanted, cli) {
      const hash = known.get(wanted);
      if (hash !== undefined) return hash;
      await finished(start(cli, base, []));
      known.set(wanted, hashOf(join(folder, MODEL)));
      return known.get(wanted)!;
    },
  };
}

function configText(
  variant: number,
  { restores, externalData }: { readonly restores: boolean; readonly externalData: boolean },
): string {
  const validation = `  validation: {arrays: data/validation.npy, labels: data/validation-labels.npy, limit: 60, preprocess: {scale: 16}}\n`;
  return `model: digits.onnx
output: ${MODEL}
data:
  calibration: {arrays: data/calibration.npy, limit: ${16 - variant}, preprocess: {scale: 16}}
${restores ? validation : ''}quantization:
  defaults: nncf
  preset: performance
  advanced_parameters:
    overflow_fix: disable
    backend_params: {external_data: ${externalData}}
${restores ? `    weights_quantization_params: {num_bits: 4, per_channel: false}\naccuracy_control: {metric: top1, max_drop: 0.05}\n` : ''}`;
}

/** As if there had been no run. */
function removeOutputs(folder: string): void {
  for (const name of readdirSync(folder))
    if (name.includes('.int8.onnx') || name === '.quantsmith')
      rmSync(join(folder, name), { recursive: true, force: true });
}

function start(cli: string, base: string, options: readonly string[]): ChildProcess {
  return spawn(process.execPath, [cli, 'run', CONFIG, ...options], {
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

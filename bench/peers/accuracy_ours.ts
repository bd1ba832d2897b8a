// Task: {config, output}. Seconds from reading the model to its being written, less what is measured for the report.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { runPipeline } from '../../engine/src/pipeline.js';

const [, , taskPath = '', resultPath = ''] = process.argv;
const { config, output } = JSON.parse(readFileSync(taskPath, 'utf8')) as {
  config: QuantizationConfig;
  output: string;
};
rmSync(`${output}.restore.jsonl`, { force: true });
const { report } = await runPipeline(
  { kind: 'run', config, configPath: taskPath, configSha256: '', output, allowModules: false, cache: false },
  () => undefined,
);
const { total, measure } = report.timings_ms;
const { metric, restoration } = report;
writeFileSync(
  resultPath,
  JSON.stringify({
    seconds: (total - measure) / 1000,
    peak_bytes: report.peak_rss_bytes,
    initial: { initial: metric!.baseline, quantized: metric!.quantized_initial },
    final: metric!.quantized,
    satisfied: metric!.satisfied,
    reverted: restoration?.reverted.length ?? 0,
    operations: report.layers.length,
    remedies: restoration?.remedies?.filter(({ kept }) => kept) ?? [],
    curve: restoration?.steps.map(({ reverted, metric: value }) => [reverted.length, value]) ?? [],
    timings_ms: report.timings_ms,
    stop_reason: restoration?.stop_reason ?? 'The quantized model met the target without restoration.',
  }),
);

// Task: {config, output}. Seconds, of the clock and of all cores, from reading the model to its being written, less what is
// measured for the report.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { QuantizationConfig, StageName } from '@quantsmith/schemas';
import { runPipeline } from '../../engine/src/pipeline.js';

const [, , taskPath = '', resultPath = ''] = process.argv;
const { config, output } = JSON.parse(readFileSync(taskPath, 'utf8')) as {
  config: QuantizationConfig;
  output: string;
};
rmSync(`${output}.restore.jsonl`, { force: true });
const stages = stageTimes();
const { report } = await runPipeline(
  { kind: 'run', config, configPath: taskPath, configSha256: '', output, allowModules: false, cache: false },
  (event) => {
    if (event.type === 'progress') stages.enter(event.stage);
  },
);
const cpu = stages.seconds();
const { total, measure, validate } = report.timings_ms;
const { metric, restoration } = report;
writeFileSync(
  resultPath,
  JSON.stringify({
    seconds: (total - measure) / 1000,
    cpu_seconds: Object.values(cpu).reduce((sum, each) => sum + each, 0) - (cpu.measure ?? 0),
    validation_seconds: validate / 1000,
    validation_cpu_seconds: cpu.validate,
    restoration_cpu_seconds: (cpu.validate ?? 0) + (cpu.rank ?? 0) + (cpu.restore ?? 0),
    cpu_by_stage: cpu,
    peak_bytes: report.peak_rss_bytes,
    initial: { initial: metric!.baseline, quantized: metric!.quantized_initial },
    final: metric!.quantized,
    satisfied: metric!.satisfied,
    reverted: restoration?.reverted.length ?? 0,
    operations: report.layers.length,
    tried: restoration?.remedies?.length ?? 0,
    remedies: restoration?.remedies?.filter(({ kept }) => kept) ?? [],
    curve: restoration?.steps.map(({ reverted, metric: value }) => [reverted.length, value]) ?? [],
    timings_ms: report.timings_ms,
    stop_reason: restoration?.stop_reason ?? 'The quantized model met the target without restoration.',
  }),
);

/** Seconds that all cores worked for this process, by stage. */
function stageTimes() {
  const spent: Partial<Record<StageName, number>> = {};
  let current: StageName = 'load';
  let since = process.cpuUsage();
  const close = () => {
    const { user, system } = process.cpuUsage(since);
    since = process.cpuUsage();
    spent[current] = (spent[current] ?? 0) + (user + system) / 1e6;
  };

  return {
    enter(stage: StageName) {
      if (stage === current) return;
      close();
      current = stage;
    },
    seconds() {
      close();
      return spent;
    },
  };
}

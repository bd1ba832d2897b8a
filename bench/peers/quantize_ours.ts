// Task: {config, output, threads}. Time counts from reading the model to its being written; what is measured for the
// report in between (latency, noise) is told apart.
import { readFileSync, writeFileSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  encodeModel,
  makeNode,
  type ModelProto,
} from '@quantsmith/model/onnx';
import { runPipeline } from '../../engine/src/pipeline.js';
import { createSession } from '../../engine/src/runtime/session.js';
import type { QuantizationConfig } from '@quantsmith/schemas';

interface Task {
  readonly config: QuantizationConfig;
  readonly output: string;
  readonly cache: boolean;
}

/** The most memory this process ever had resident, in bytes. */
function peakBytes(): number {
  return 1024 * Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

const [, , taskPath = '', resultPath = ''] = process.argv;
const { config, output, cache } = JSON.parse(readFileSync(taskPath, 'utf8')) as Task;
// The peers' imports load the runtime, which here the first session does: for all of them it is there before.
const nothing = create(ModelProtoSchema, {
  irVersion: 7n,
  opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 13n })],
  graph: create(GraphProtoSchema, {
    name: 'nothing',
    node: [makeNode('Constant', [], ['y'], { value_float: 0 })],
    output: [{ name: 'y' }],
  }),
}) as ModelProto;
await (await createSession(encodeModel(nothing), { threads: 1 })).release();
const baseline = peakBytes();
let quantizedPeak = 0;
const { report } = await runPipeline(
  { kind: 'run', config, configPath: taskPath, configSha256: '', output, allowModules: false, cache },
  (event) => {
    if (event.type === 'progress' && event.stage === 'measure' && quantizedPeak === 0)
      quantizedPeak = peakBytes();
  },
);
const { total, measure, calibrate } = report.timings_ms;
writeFileSync(
  resultPath,
  JSON.stringify({
    seconds: (total - measure) / 1000,
    report_seconds: measure / 1000,
    calibrate_seconds: calibrate / 1000,
    baseline_bytes: baseline,
    peak_bytes: quantizedPeak,
    peak_with_report_bytes: peakBytes(),
  }),
);

// Quantizes a generated model of more than 2 GB with external data, and compares the most memory that it took with what the
// runtime takes to load and run the float model.
//
//   npm run bench:large -- [layers]
import { create } from '@bufbuild/protobuf';
import { fork } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
  TensorProto_DataLocation,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  ValueInfoProtoSchema,
  encodeModel,
  makeNode,
  type ModelProto,
} from '@quantsmith/model/onnx';
import { seededRandom } from '@quantsmith/schemas';
import { runPipeline } from '../engine/src/pipeline.js';
import { createSession, run } from '../engine/src/runtime/session.js';
import { writeNpy } from '../test/kit/npy.js';

const WIDTH = 4096;
const BYTES = 4 * WIDTH * WIDTH;

const [, script = '', what = '36', folder = ''] = process.argv;
if (what === 'runtime') await runtimeAlone();
else if (what === 'engine') await engineRun();
else await measure(Number(what));

/** The most memory this process ever had resident, in bytes. */
function peakBytes(): number {
  return 1024 * Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

async function runtimeAlone(): Promise<void> {
  const session = await createSession(`${folder}/large.onnx`, { threads: 2 });
  const data = new Float32Array(WIDTH).fill(0.5);
  await run(session, { x: { type: 'float32', dims: [1, WIDTH], data } });
  process.send!(peakBytes());
}

async function engineRun(): Promise<void> {
  const begun = performance.now();
  let before = 0;
  const config = {
    model: 'large.onnx',
    data: { calibration: { arrays: 'samples.npy' } },
    quantization: { subset_size: 2, advanced_parameters: { backend_params: { external_data: true } } },
  };
  const request = { kind: 'run', config, configPath: `${folder}/c.quant.yaml`, configSha256: '' } as const;
  const { report } = await runPipeline({ ...request, allowModules: false, cache: false }, (event) => {
    if (event.type === 'progress') console.log(event.stage, `${(peakBytes() / 1e9).toFixed(2)} GB`);
    if (event.type === 'progress' && event.stage === 'measure') before ||= peakBytes();
  });
  console.log(report.timings_ms, report.size, `${((performance.now() - begun) / 1000).toFixed(1)} s`);
  process.send!([before, peakBytes()]);
}

async function measure(layers: number): Promise<void> {
  const dir = new URL('../.tools/bench/large', `file://${script}`).pathname;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  try {
    generate(dir, layers);
    const size = statSync(`${dir}/large.data`).size;
    const own = (await child('runtime', dir)) as number;
    const [quantized, all] = (await child('engine', dir)) as [number, number];
    const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
    console.log(`model ${gigabytes(size)}; the runtime alone, float: ${gigabytes(own)}`);
    console.log(`quantized at ${gigabytes(quantized)}, with the report ${gigabytes(all)}`);
    console.log(
      `beyond the runtime's own: ${((quantized - own) / size).toFixed(2)} and ${((all - own) / size).toFixed(2)} times the model`,
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function child(kind: string, dir: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const started = fork(script, [kind, dir], { stdio: 'inherit' });
    started.once('message', (message) => {
      resolve(message);
      started.kill();
    });
    started.once('exit', (code) => reject(new Error(`${kind} ended with ${code}`)));
  });
}

/** A chain of matrix products with Relu between; all weights in one file, of numbers that are the same in every run. */
function generate(dir: string, layers: number): void {
  const file = openSync(`${dir}/large.data`, 'w');
  const weights = new Float32Array(WIDTH * WIDTH);
  const next = seededRandom(1);
  for (let i = 0; i < weights.length; i++) weights[i] = (2 * next() - 1) / Math.sqrt(WIDTH / 3);

  const tensors = Array.from({ length: layers }, (_, layer) => {
    // Another first row for each layer: no two weights are the same bytes.
    weights.fill(1 / (layer + WIDTH), 0, WIDTH);
    writeSync(file, new Uint8Array(weights.buffer));
    return create(TensorProtoSchema, {
      name: `w${layer}`,
      dims: [BigInt(WIDTH), BigInt(WIDTH)],
      dataType: 1,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries({ location: 'large.data', offset: layer * BYTES, length: BYTES }).map(
        ([key, value]) => create(StringStringEntryProtoSchema, { key, value: String(value) }),
      ),
    });
  });
  closeSync(file);
  const nodes = tensors.flatMap(({ name }, layer) => [
    makeNode(
      'MatMul',
      [layer === 0 ? 'x' : `r${layer - 1}`, name],
      [`m${layer}`],
      {},
      { name: `matmul_${layer}` },
    ),
    makeNode('Relu', [`m${layer}`], [`r${layer}`], {}, { name: `relu_${layer}` }),
  ]);
  const border = (name: string) =>
    create(ValueInfoProtoSchema, {
      name,
      type: create(TypeProtoSchema, {
        value: {
          case: 'tensorType',
          value: create(TypeProto_TensorSchema, {
            elemType: 1,
            shape: create(TensorShapeProtoSchema, {
              dim: [1, WIDTH].map((size) =>
                create(TensorShapeProto_DimensionSchema, {
                  value: { case: 'dimValue', value: BigInt(size) },
                }),
              ),
            }),
          }),
        },
      }),
    });
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [create(OperatorSetIdProtoSchema, { version: 13n })],
    graph: create(GraphProtoSchema, {
      name: 'large',
      node: nodes,
      initializer: tensors,
      input: [border('x')],
      output: [border(`r${layers - 1}`)],
    }),
  }) as ModelProto;
  writeFileSync(`${dir}/large.onnx`, encodeModel(model));
  const samples = Array.from({ length: 2 }, (_, sample) => ({
    shape: [WIDTH],
    data: Array.from({ length: WIDTH }, (__, i) => Math.sin(sample * WIDTH + i)),
  }));
  writeNpy(`${dir}/samples.npy`, samples);
}

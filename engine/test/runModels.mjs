// Runs models in a process of its own, so that it can be another CPU's: [{path, name, dims}] with the float input beside
// each model in PATH.input; the first output's bytes go to PATH.output.
import { readFileSync, writeFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';

for (const { path, name, dims } of JSON.parse(process.argv[2])) {
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const bytes = readFileSync(`${path}.input`);
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const results = await session.run({ [name]: new ort.Tensor('float32', data, dims) });
  const output = results[session.outputNames[0]].data;
  writeFileSync(`${path}.output`, Buffer.from(output.buffer, output.byteOffset, output.byteLength));
}

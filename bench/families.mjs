// What NNCF and ONNX Runtime's quantizer make of the families of small networks (test/kit/families.ts): the figures that the engine
// is held to by engine/test/families.test.ts. Writes engine/test/families.json.
//
//   npm run bench:families
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { execute } from './peers/execute.mjs';
import { peersPython } from './peers/venv.mjs';
import { writeFileSync } from 'node:fs';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = `${root}.tools/bench/families`;
const writer = await bundle('bench/families/write_ours.ts');
const { status } = spawnSync(process.execPath, [writer, work], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const script = fileURLToPath(new URL('families/peers.py', import.meta.url));
const figures = execute(peersPython(), [script], { folder: work, threads: 1 }, `${work}/peers`, 1);
if (figures.failed !== undefined) throw new Error(figures.failed);
writeFileSync(`${root}engine/test/families.json`, `${JSON.stringify(figures, null, 2)}\n`);
console.log(JSON.stringify(figures, null, 2));

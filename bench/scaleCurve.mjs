// How much faster runs should be with more workers, by simulation (bench/scale/simulate.mjs) with what bench/scale.mjs has measured for
// MobileNetV2; the figures of the transformer are assumed.
//
//   node bench/scaleCurve.mjs [--json FILE of bench/scale.mjs]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { curve } from './scale/curve.mjs';

const { json } = parseArgs({ options: { json: { type: 'string' } } }).values;
const measured = json === undefined ? {} : JSON.parse(readFileSync(json, 'utf8'));
const mobilenet = measured.models?.find(({ model }) => model === 'mobilenetv2');
for (const line of curve(measured.perJob, mobilenet?.costs)) console.log(line);

import { readFileSync } from 'node:fs';
import { inspectModel } from '@quantsmith/model/onnx';

/** The most memory that this process has had, in MB. */
const peak = () => Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1000;

const before = peak();
const begun = performance.now();
const { nodes } = await inspectModel(process.argv[2]!);
const ms = performance.now() - begun;
console.log(JSON.stringify({ ms, megabytes: peak() - before, nodes: nodes.length }));

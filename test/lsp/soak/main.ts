// npm run soak:lsp -- [--edits 200000] [--seed 1]
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { inMemory, realProcess } from '../../kit/lspClient.js';
import { PULLING } from './client.js';
import { soak } from './soak.js';

/** Where the checkout is, and the program that is tried. */
const [root = '', program = ''] = process.argv.slice(2, 4);
const { values } = parseArgs({
  args: process.argv.slice(4),
  options: { edits: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' } },
});
const edits = Number(values.edits);

/** Memory of the server in MB. */
function resident(pid: number | undefined): number {
  const found = /VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) / 1000;
}

/** What /proc counts the time of a processor in. */
const TICK_MS = 10;

/** Milliseconds that a process has computed: how busy the machine is otherwise says nothing of the server. */
function processorMs(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return TICK_MS * (Number(fields[11]) + Number(fields[12]));
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quantsmith-soak-'));
  try {
    cpSync(join(root, 'examples/digits'), folder, { recursive: true });
    const digits = readFileSync(join(root, 'examples/digits/digits.quant.yaml'), 'utf8');
    const client = await realProcess(program, PULLING);
    const memory: number[] = [];
    const begun = performance.now();
    const result = await soak({
      client,
      fresh: () => inMemory(PULLING),
      folder,
      digits,
      seed: Number(values.seed),
      edits,
      clock: () => processorMs(client.pid),
      onBurst(done) {
        if (done < ((memory.length + 1) * edits) / 20) return;
        memory.push(resident(client.pid));
        const seconds = ((performance.now() - begun) / 1000).toFixed(0);
        console.log(`${done} edits in ${seconds} s, server ${memory.at(-1)!.toFixed(0)} MB`);
      },
    });
    await client.stop();
    // What the collector gets down to: between its runs the memory goes up and down.
    const early = Math.min(...memory.slice(2, 8));
    const late = Math.min(...memory.slice(-6));
    console.log(
      `${result.edits} edits in ${result.bursts} bursts, ${result.requests} requests, ${((performance.now() - begun) / 1000).toFixed(0)} s; ` +
        `slowest answer ${result.slowest.ms.toFixed(0)} ms of computing (${result.slowest.method}); memory down to ${early.toFixed(0)} MB early and ${late.toFixed(0)} MB late, at most ${Math.max(...memory).toFixed(0)} MB; ` +
        'diagnostics equal those of a fresh server after every burst',
    );
    if (result.slowest.ms > 1000)
      throw new Error(
        `An answer took more than a second of computing, with\n${JSON.stringify(result.slowest.text)}`,
      );
    if (late > 1.25 * early) throw new Error('Memory grows.');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// The server of a soak that failed still runs, and ends with this process.
main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});

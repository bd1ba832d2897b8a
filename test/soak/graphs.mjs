// Random graphs through the engine, as many as asked for, or through the whole command (--whole):
// node test/soak/graphs.mjs [--count 20000] [--first 0] [--keep FOLDER] [--whole] [--ledger FILE] [--seconds 280]
// With a ledger a run ends after so many seconds, and the next one goes on.
import { spawnSync } from 'node:child_process';
import { bundle } from '../../bench/bundle.mjs';

const outfile = await bundle('test/soak/graphs.ts');
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);

// Runs the steps of the workflows and of the action that a bare machine can run, in a clone of this checkout's last commit, and
// lists the others with the reason. Each text is run once, however many jobs have it.
//
//   npm run test:workflows -- [--list] [--except TEXT …]
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { filledIn, steps } from './steps.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    except: { type: 'string', multiple: true, default: [] },
  },
});
const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-workflows-'));
const clone = join(scratch, 'clone');
const temporary = join(scratch, 'runner');
mkdirSync(temporary);
const seen = new Map();
let failed = 0;

function outcome({ text, env, why }) {
  if (why !== null) return `not run: ${why}`;
  if (options.list) return 'can be run here';
  if (options.except.some((part) => text.includes(part))) return 'left out by --except';
  if (seen.has(text)) return seen.get(text);
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['-e', '-o', 'pipefail', '-c', filledIn(text, temporary)],
    {
      cwd: clone,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      env: {
        ...process.env,
        // Where `npm install --global` puts the command, and the next step finds it.
        npm_config_prefix: join(scratch, 'global'),
        PATH: `${join(scratch, 'global/bin')}:${process.env.PATH}`,
        RUNNER_TEMP: temporary,
        GITHUB_OUTPUT: join(temporary, 'output'),
        GITHUB_STEP_SUMMARY: join(temporary, 'summary.md'),
        ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filledIn(value, temporary)])),
      },
    },
  );
  if (status !== 0) {
    failed++;
    console.error(`${stdout}${stderr}`.split('\n').slice(-30).join('\n'));
  }

  const result = `${status === 0 ? 'ok' : `FAILED with ${status}`}, ${((Date.now() - started) / 1000).toFixed(0)} s`;
  seen.set(text, result);
  return result;
}

if (!options.list) spawnSync('git', ['clone', '--quiet', root, clone], { stdio: 'inherit' });
for (const step of steps()) {
  const place = `${step.file.split('/').at(-1)} ${step.job}`;
  console.log(`${place.padEnd(24)} ${step.text.split('\n')[0].slice(0, 70).padEnd(72)} ${outcome(step)}`);
}

rmSync(scratch, { recursive: true, force: true });
process.exitCode = failed > 0 ? 1 : 0;

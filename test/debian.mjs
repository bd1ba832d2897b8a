// Installs Debian packages that tests need.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Runs a program; ends this one with its output when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    ...options,
    env: { ...process.env, ...options.env },
  });
  if (result.status === 0) return;
  console.error(`${command} ${args.join(' ')} failed:\n${result.stdout ?? ''}${result.stderr ?? ''}`);
  process.exit(1);
}

/** `wanted`: [program, ...packages]; installed where the program is missing. */
export function installPackages(wanted) {
  const missing = wanted.filter(([program]) => !existsSync(program)).flatMap(([, ...names]) => names);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    console.error(`Please install: ${missing.join(' ')}`);
    process.exit(1);
  }

  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}

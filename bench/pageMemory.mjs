import { readdirSync, readFileSync } from 'node:fs';

/** Megabytes of a browser's processes for pages, each page of memory shared out among those that share it. `profile`: its folder. */
export function pageMegabytes(profile) {
  const isOurs = (pid) => {
    const words = textOf(`/proc/${pid}/cmdline`);
    return words.includes('--type=renderer') && words.includes(profile);
  };

  const kilobytes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isOurs(name))
    .map((pid) => Number(/^Pss:\s+(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0));

  return kilobytes.reduce((sum, size) => sum + size, 0) / 1000;
}

function textOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The process has ended.
    return '';
  }
}

import { readFileSync } from 'node:fs';

/** Whether a process runs (Linux); one that only waits for its exit code to be read does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

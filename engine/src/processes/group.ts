/** Whether a process may lead a group, so that what it starts ends with it: everywhere but on Windows. */
export const HAS_GROUPS = process.platform !== 'win32';

/** Ends, at once, a process that was started as the leader of its group, and what that has started. */
export function endGroup(leader: number): void {
  try {
    process.kill(HAS_GROUPS ? -leader : leader, 'SIGKILL');
  } catch {
    // Nobody of it is left.
  }
}

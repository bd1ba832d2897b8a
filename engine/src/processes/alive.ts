/** Whether this machine has a process with the number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not permitted means that it runs, for somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

import { vi } from 'vitest';

/** Runs a command of the command line in this process: what it gives, and what it prints on the two streams. */
export async function printedBy<T>(
  command: () => T | Promise<T>,
): Promise<{ readonly result: T; readonly out: string; readonly err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((text: string) => void out.push(`${text}\n`)),
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0),
  ];
  try {
    const result = await command();
    return { result, out: out.join(''), err: err.join('') };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

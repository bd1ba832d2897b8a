import type { Problem } from '@quantsmith/schemas';

/** What ended an engine process that gave no result: its parts cannot be loaded here, or it crashed. */
export function crashProblem(exitCode: number | null, signalName: string | null, stderr: string): Problem {
  const reason = loadFailure(stderr);
  const data = { exitCode, signal: signalName, stderr };
  if (reason !== null) return { code: 'runtime-missing', severity: 'error', message: reason, data };

  const ending = signalName === null ? `exit code ${exitCode}` : `signal ${signalName}`;
  const memory = signalName === 'SIGKILL' ? ' The system may have run out of memory.' : '';
  const last = stderr.trim().split('\n').at(-1) ?? '';

  return {
    code: 'engine-crashed',
    severity: 'error',
    message: `The engine process ended unexpectedly (${ending}).${memory}${last === '' ? '' : ` Last output: ${last}`}`,
    data,
  };
}

/** Why the native parts could not be loaded, as Node says it; null: they were. */
function loadFailure(stderr: string): string | null {
  const missing =
    /^Error: (?:ONNX Runtime is not installed|Cannot find module '(onnxruntime-node|sharp)')/m.exec(stderr);
  const platform = `${process.platform}-${process.arch}`;
  if (missing !== null)
    return `${PARTS[missing[1] ?? ''] ?? 'ONNX Runtime'} is not installed for ${platform}.`;

  const refused = /^Error: (.*)$[^]*ERR_DLOPEN_FAILED/m.exec(stderr);
  return refused === null ? null : `A native library cannot be loaded on ${platform}: ${refused[1]}`;
}

const PARTS: Readonly<Record<string, string>> = {
  'onnxruntime-node': 'ONNX Runtime',
  sharp: 'The image library sharp',
};

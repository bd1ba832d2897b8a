import { startEngine, type EngineOutcome } from '@quantsmith/engine';
import type { EngineEvent, EngineRequest } from '@quantsmith/schemas';
import { vi } from 'vitest';

const OK: EngineOutcome = { code: 'ok' };

/**
 * The next engines give these events, and end so; returns what each was asked for. For tests that have mocked `startEngine`: the
 * engine is a process that answers with events and an outcome.
 */
export function playEngines(
  ...runs: readonly { readonly events?: readonly EngineEvent[]; readonly outcome?: EngineOutcome }[]
): EngineRequest[] {
  const requests: EngineRequest[] = [];
  for (const { events = [], outcome = OK } of runs)
    vi.mocked(startEngine).mockImplementationOnce((request, { onEvent }) => {
      requests.push(request);
      events.forEach(onEvent);
      return Promise.resolve(outcome);
    });

  return requests;
}

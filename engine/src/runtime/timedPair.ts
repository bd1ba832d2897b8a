import type { ModelProto } from '@quantsmith/model/onnx';
import { createSession, type Session, type SessionOptions } from './session.js';

/** A model and how it is loaded. */
export interface Loadable {
  readonly source: ModelProto | Uint8Array;
  readonly options: Omit<SessionOptions, 'timed'>;
}

/** Loads two models whose inferences are timed next to each other, and releases them whatever happens. Throws as `createSession`. */
export async function withTimedPair<T>(
  first: Loadable,
  second: Loadable,
  body: (first: Session, second: Session) => Promise<T>,
): Promise<T> {
  const firstSession = await createSession(first.source, { ...first.options, timed: true });
  try {
    const secondSession = await createSession(second.source, { ...second.options, timed: true });
    try {
      return await body(firstSession, secondSession);
    } finally {
      await secondSession.release();
    }
  } finally {
    await firstSession.release();
  }
}

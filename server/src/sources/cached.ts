import { stat } from 'node:fs/promises';

/** A loader that keeps what it has loaded, and can be told to look at the files again. */
export interface Cached<T> {
  readonly load: (path: string) => Promise<T>;
  /** Files have changed: none is taken for what it was a moment ago. */
  readonly forget: () => void;
}

/** Files of each kind that are kept. */
const MAX_KEPT = 16;
/** Looks that are kept. */
const MAX_LOOKS = 500;
/** Milliseconds for which a file is taken for what it was: nothing is waited for at each key that is typed. */
const LOOKED_MS = 1000;
/** Milliseconds for which what was found out by walking through folders holds. */
const WALKED_MS = 10_000;

/** Loads a file again only when it is another file, or has another size or time; null where there is no regular file. */
export function cachedByFile<T>(load: (path: string) => Promise<T>, maxKept = MAX_KEPT): Cached<T | null> {
  const known = new Map<string, { identity: string; loaded: Promise<T> }>();
  const recent = cachedFor(LOOKED_MS, look, maxKept);
  return recent;

  async function look(path: string): Promise<T | null> {
    const info = await stat(path).catch(() => null);
    if (info === null || !info.isFile()) return null;
    const identity = `${info.ino}:${info.size}:${info.mtimeMs}`;
    const entry = known.get(path);
    if (entry?.identity === identity) return entry.loaded;

    const loaded = load(path);
    known.delete(path);
    known.set(path, { identity, loaded });
    const oldest = known.keys().next().value;
    if (known.size > maxKept && oldest !== undefined) known.delete(oldest);

    return loaded;
  }
}

/** Looks again after a while: folders do not tell when something below them changes. Forgetting ends what is under way. */
export function cachedWalk<T>(walk: (path: string, signal: AbortSignal) => Promise<T>): Cached<T> {
  let abort = new AbortController();
  const recent = cachedFor(WALKED_MS, (path) => walk(path, abort.signal), MAX_KEPT);
  return {
    load: recent.load,
    forget() {
      abort.abort();
      abort = new AbortController();
      recent.forget();
    },
  };
}

/** Looks again after a moment, so that what came too late for one answer is there for the next. */
export function cachedLook<T>(look: (path: string) => Promise<T>): Cached<T> {
  return cachedFor(LOOKED_MS, look, MAX_LOOKS);
}

/** The same of a question about several things, which are plain data. */
export function cachedQuestion<A extends readonly unknown[], T>(
  ask: (...about: A) => Promise<T>,
): { readonly load: (...about: A) => Promise<T>; readonly forget: () => void } {
  const { load, forget } = cachedLook((about) => ask(...(JSON.parse(about) as A)));
  return { load: (...about) => load(JSON.stringify(about)), forget };
}

/** What part of its time an answer is kept before it is made again for who asks later: nobody waits while somebody types. */
const RENEWED = 0.5;
/** Milliseconds after which that is begun: not while somebody waits for what is known. */
const RENEWAL_MS = 10;

/** Keeps an answer for some time from when it was there; who asks before shares it. */
function cachedFor<T>(milliseconds: number, load: (path: string) => Promise<T>, maxKept: number): Cached<T> {
  const known = new Map<string, Kept<T>>();
  const settled = (kept: Kept<T>) => {
    const settle = () => {
      const now = performance.now();
      kept.until = now + milliseconds;
      kept.renewAt = now + RENEWED * milliseconds;
    };

    kept.answer.then(settle, settle);
    return kept.answer;
  };

  const renew = (path: string, earlier: Kept<T>) => {
    earlier.renewAt = Number.POSITIVE_INFINITY;
    const begin = () => {
      if (known.get(path) !== earlier) return;
      const next = { answer: load(path), until: 0, renewAt: Number.POSITIVE_INFINITY };
      const replace = () => {
        if (known.get(path) === earlier) known.set(path, next);
      };

      settled(next).then(replace, replace);
    };

    setTimeout(begin, RENEWAL_MS).unref();
  };

  return {
    load(path) {
      const earlier = known.get(path);
      const now = performance.now();
      if (earlier !== undefined && now < earlier.until) {
        if (now >= earlier.renewAt) renew(path, earlier);
        return earlier.answer;
      }

      if (known.size > maxKept) known.clear();
      const never = Number.POSITIVE_INFINITY;
      const entry = { answer: load(path), until: never, renewAt: never };
      known.set(path, entry);

      return settled(entry);
    },
    forget: () => known.clear(),
  };
}

interface Kept<T> {
  readonly answer: Promise<T>;
  /** When it has to be made again, and from when on that is begun beforehand. */
  until: number;
  renewAt: number;
}

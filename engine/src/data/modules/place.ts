import { fileURLToPath, pathToFileURL } from 'node:url';

interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Where a stack was inside the user's files: the first frame that is neither Node's nor ours, and of a package only where there is no other; null: nowhere. */
export function placeIn(stack: string, path: string): Place | null {
  const places = stack.split('\n').flatMap((frame) => placeOf(frame) ?? []);
  const ownFiles = places.filter(({ file }) => !/[\\/]node_modules[\\/]/.test(file));
  return ownFiles[0] ?? places[0] ?? lineOf(stack, path);
}

/** `at f (file:///a/b.mjs:3:5)`, `at /a/b.cjs:3:5`, or the first line of a syntax error: `file:///a/b.mjs:3`. */
function placeOf(frame: string): Place | null {
  const [, where, line] =
    /(?:\(|\bat |^)((?:file:\/\/|\/|[A-Za-z]:[\\/]).*?):(\d+)(?::\d+)?\)?$/.exec(frame) ?? [];
  if (where === undefined || OURS.test(where)) return null;
  try {
    return { file: where.startsWith('file:') ? fileURLToPath(where) : where, line: Number(line) };
  } catch {
    return null;
  }
}

/** The bundles that modules run in. */
const OURS = /[\\/]module(?:Host|Hooks)\.cjs$/;

function lineOf(stack: string, path: string): Place | null {
  for (const place of [pathToFileURL(path).href, path]) {
    const offset = stack.indexOf(`${place}:`);
    const line = offset < 0 ? Number.NaN : Number.parseInt(stack.slice(offset + place.length + 1), 10);
    if (!Number.isNaN(line)) return { file: path, line };
  }

  return null;
}

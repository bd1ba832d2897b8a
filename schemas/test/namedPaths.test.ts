import { expect, it } from 'vitest';
import { configSchema, NAMED_PATHS } from '../src/index.js';

interface Node {
  readonly description?: string;
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
}

function* textsOf(node: Node, path: readonly string[] = []): Generator<[string, Node]> {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    if ([child.type].flat().includes('string')) yield [[...path, key].join('.'), child];
    yield* textsOf(child, [...path, key]);
  }
}

// Whoever adds a path and forgets the mark would leave it out of what is looked at, spared and tested.
it('every key that names a file or a folder is marked as a path', () => {
  const marked = new Set<string>(NAMED_PATHS.map(({ path }) => path.join('.')));
  const about = /\b(file|folder|module|path|\.npy|\.csv|relative to this)\b/i;
  const named = [...textsOf(configSchema as Node)].filter(([, { description }]) =>
    about.test(description ?? ''),
  );
  expect(named.map(([path]) => path).filter((path) => !marked.has(path))).toEqual([]);
});

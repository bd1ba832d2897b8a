import { decibels } from '@quantsmith/schemas/rounded';

/** A node of the graph that is drawn: a node of the model, or a block of several that is collapsed. */
export interface GraphNode {
  /** The name of the model's node, or of the block. */
  readonly id: string;
  readonly title: string;
  readonly detail: string;
  /** How it computes in the last run; null: not known. */
  readonly kind: 'integer' | 'float' | null;
  /** Nodes of the model in it; 1: it is one itself. */
  readonly count: number;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** One for each pair of nodes of which the second reads the first. */
  readonly edges: readonly (readonly [from: GraphNode, to: GraphNode])[];
}

/** What a graph needs to know of a model's node. */
export interface Source {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly weights: string;
  readonly run: { readonly isInteger: boolean; readonly decibels: number | null } | null;
}

const SEPARATOR = /[/.]/;

/** The blocks that a name lies in, the largest first: "/a/b/Conv" lies in "/a" and "/a/b". */
export function blocksOf(name: string): string[] {
  const blocks: string[] = [];
  for (let index = 1; index < name.length - 1; index++)
    if (SEPARATOR.test(name.charAt(index))) blocks.push(name.slice(0, index));
  return blocks;
}

/** Which blocks are collapsed: all from a depth on (0: none), but for those that were opened, and those that were closed. */
export interface Folding {
  readonly depth: number;
  readonly opened: ReadonlySet<string>;
  readonly closed: ReadonlySet<string>;
}

/** The graph of a model with collapsed blocks as one node each; constants are no nodes of it. */
export function graphOf(sources: readonly Source[], folding: Folding): Graph {
  const members = new Map<string, Source[]>();
  for (const source of sources) {
    if (source.op === 'Constant') continue;
    const id = foldedInto(source.name, folding) ?? source.name;
    const parts = members.get(id);
    if (parts === undefined) members.set(id, [source]);
    else parts.push(source);
  }

  const drawn = [...members].map(([id, parts]) => ({ node: nodeOf(id, parts), parts }));
  const producers = new Map(
    drawn.flatMap(({ node, parts }) =>
      parts.flatMap(({ outputs }) => outputs.map((tensor) => [tensor, node] as const)),
    ),
  );
  const edges = drawn.flatMap(({ node, parts }) => {
    const read = new Set(parts.flatMap(({ inputs }) => inputs.map((tensor) => producers.get(tensor))));
    return [...read].flatMap((from) => (from === undefined || from === node ? [] : [[from, node] as const]));
  });

  return { nodes: drawn.map(({ node }) => node), edges };
}

/** The outermost collapsed block of a name; undefined: none. */
function foldedInto(name: string, { depth, opened, closed }: Folding): string | undefined {
  return blocksOf(name).find(
    (block, index) => closed.has(block) || (depth > 0 && index === depth - 1 && !opened.has(block)),
  );
}

function nodeOf(id: string, parts: readonly Source[]): GraphNode {
  const [first] = parts;
  const runs = parts.flatMap(({ run }) => run ?? []);
  const kind = runs.length === 0 ? null : runs.every((run) => run.isInteger) ? 'integer' : 'float';
  if (parts.length === 1 && first !== undefined && first.name === id) {
    const noise = first.run?.decibels ?? null;
    const detail = noise === null ? (first.weights.split(' ')[0] ?? '') : decibels(noise);
    return { id, title: first.op, detail, kind, count: 1 };
  }

  return { id, title: id, detail: `${parts.length} nodes`, kind, count: parts.length };
}

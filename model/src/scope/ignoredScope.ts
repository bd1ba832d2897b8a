import type { Graph } from '../graph/graph.js';
import { producersOf, reach, readersOf } from '../graph/reach.js';
import { type ConfigPath, type Problem, below } from '@quantsmith/schemas';
import { compilePattern } from './pattern.js';

export interface IgnoredScope {
  readonly names: readonly string[];
  readonly patterns: readonly string[];
  readonly types: readonly string[];
  readonly subgraphs: readonly { readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
  readonly validate: boolean;
}

/** A node of the user's model, and the nodes of the prepared graph that took its place (none: it was folded away). */
export interface NamedNode {
  readonly name: string;
  readonly op: string;
  readonly prepared: readonly string[];
}

const SCOPE_PATH: ConfigPath = ['quantization', 'ignored_scope'];

/**
 * The prepared nodes that an ignored scope names. Patterns match like Python's `re.match`: anchored at the start
 * only, case-sensitive; the engine is linear-time (RE2), so that no pattern can hang a run.
 * Rules that match nothing are errors when `validate` is true, warnings otherwise; all of them are reported.
 * `place`: where the rules stand in the config.
 */
export function resolveIgnoredScope(
  graph: Graph,
  originals: readonly NamedNode[],
  scope: IgnoredScope,
  place: ConfigPath = SCOPE_PATH,
): { ignored: ReadonlySet<string>; problems: Problem[] } {
  const ignored = new Set<string>();
  const problems: Problem[] = [];
  const label = place.slice(1).join('.');
  const severity = scope.validate ? 'error' : 'warning';
  const unmatched = (kind: string, index: number, value: string) =>
    problems.push({
      code: 'ignored-scope-unmatched',
      severity,
      message: `${label}.${kind}: "${value}" matches no node of the model.`,
      configPath: below(place, kind, index),
      data: { kind, value },
    });
  const take = (kind: string, index: number, value: string, matches: (node: NamedNode) => boolean) => {
    const matched = originals.filter(matches);
    if (matched.length === 0) unmatched(kind, index, value);
    for (const node of matched) for (const name of node.prepared) ignored.add(name);
  };

  scope.names.forEach((name, i) => take('names', i, name, (node) => node.name === name));
  scope.types.forEach((type, i) => take('types', i, type, (node) => node.op === type));
  scope.patterns.forEach((pattern, i) => {
    const regex = compilePattern(pattern);
    if (typeof regex === 'string') {
      problems.push({
        code: 'ignored-scope-bad-pattern',
        severity: 'error',
        message: `${label}.patterns: "${pattern}" is not a valid regular expression: ${regex}.`,
        configPath: below(place, 'patterns', i),
        data: { pattern },
      });
    } else take('patterns', i, pattern, (node) => regex.matcher(node.name).lookingAt());
  });
  scope.subgraphs.forEach((subgraph, i) => {
    const prepared = (names: readonly string[]) =>
      originals.filter((node) => names.includes(node.name)).flatMap((node) => node.prepared);

    const between = nodesBetween(graph, prepared(subgraph.inputs), prepared(subgraph.outputs));
    if (between.size === 0) {
      unmatched('subgraphs', i, `${subgraph.inputs.join(', ')} → ${subgraph.outputs.join(', ')}`);
    }

    for (const name of between) ignored.add(name);
  });

  return { ignored, problems };
}

/** All nodes on any path from one of `inputs` to one of `outputs`, ends included. */
function nodesBetween(graph: Graph, inputs: readonly string[], outputs: readonly string[]): Set<string> {
  const forward = reach(inputs, (name) => readersOf(graph, graph.node(name)));
  const backward = reach(outputs, (name) => producersOf(graph, graph.node(name)));
  return new Set([...forward].filter((name) => backward.has(name)));
}

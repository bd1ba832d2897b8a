import { type Problem, settingValueText, writtenPath } from '@quantsmith/schemas';
import type { CheckedConfig, CheckedFinding } from '../check/check.js';
import { findingsOf, invalidity, type ConfigFinding } from '../check/invalidity.js';

/** A run as far as it was checked. */
interface CheckedRun {
  readonly variant: { readonly name: string };
  readonly checked: CheckedConfig;
  /** Why it cannot be made; null: it can. */
  readonly problem: Problem | null;
}

/** Combinations that a finding names. */
const MAX_NAMES = 3;

/**
 * Why runs of one config cannot be made, its findings in `data`: each once, with the value of the matrix that it comes of, or the
 * combinations that have it where not all do. null: all can be made.
 */
export function refusalOf(written: CheckedConfig, runs: readonly CheckedRun[]): Problem | null {
  const refused = runs.filter(({ problem }) => problem !== null);
  const [first] = refused;
  if (first === undefined) return null;
  const findings = gathered(written, runs, refused, ({ severity }) => severity === 'error');

  // What is no matter of findings has said all.
  return findings.length === 0 ? first.problem : invalidity({ ...written, config: null, findings });
}

/** What else was found in one config of the runs that can be made, as `refusalOf` tells it. */
export function remarksOn(written: CheckedConfig, runs: readonly CheckedRun[]): ConfigFinding[] {
  const made = runs.filter(({ problem }) => problem === null);
  const findings = gathered(written, runs, made, ({ severity }) => severity !== 'hint');
  return findingsOf({ ...written, findings }, true);
}

/** Findings of some of the runs of a config, each once, sorted by place. */
function gathered(
  written: CheckedConfig,
  runs: readonly CheckedRun[],
  some: readonly CheckedRun[],
  isWanted: (finding: CheckedFinding) => boolean,
): CheckedFinding[] {
  const byFinding = new Map<string, { finding: CheckedFinding; names: string[] }>();
  for (const { checked, variant } of some) {
    for (const finding of checked.findings.filter(isWanted)) {
      const key = JSON.stringify([finding.code, finding.path, finding.message]);
      const known = byFinding.get(key);
      if (known === undefined) byFinding.set(key, { finding, names: [variant.name] });
      else known.names.push(variant.name);
    }
  }

  const placed = [...byFinding.values()].map(({ finding, names }) => {
    // Found in the text already, with the value's place.
    if (written.findings.includes(finding)) return finding;
    const cause = causeOf(written, finding, names.length === runs.length ? [] : names);
    return cause === '' ? finding : { ...finding, message: `With ${cause}: ${finding.message}` };
  });

  return placed.sort(byPlace);
}

const byPlace = ({ range: { start: a } }: CheckedFinding, { range: { start: b } }: CheckedFinding) =>
  a.line - b.line || a.character - b.character;

/** What of a matrix a finding comes of; empty: it is not of the matrix. */
function causeOf({ value }: CheckedConfig, { path }: CheckedFinding, names: readonly string[]): string {
  const steps = writtenPath(path);
  if (steps[0] === 'matrix' && steps.length > 2) {
    const isIncluded = steps[1] === 'include';
    const place = steps.slice(0, isIncluded ? 4 : 3);
    return `${String(steps[isIncluded ? 3 : 1])}=${settingValueText(valueAt(value, place))}`;
  }

  const more = names.length - MAX_NAMES;
  return `${names.slice(0, MAX_NAMES).join('; ')}${more > 0 ? ` and ${more} more` : ''}`;
}

const valueAt = (value: unknown, path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (inner, step) => (inner as Record<string | number, unknown> | undefined)?.[step],
    value,
  );

/** What several configs are refused for, as one problem; the findings name their files. null: none is refused. */
export function together(refusals: readonly Problem[]): Problem | null {
  const main = refusals.find(({ code }) => code === 'config-invalid') ?? refusals[0];
  if (main === undefined || refusals.length === 1) return main ?? null;
  const findings = refusals.flatMap(findingsOfRefusal);
  const count = refusals.length === 2 ? '1 more config' : `${refusals.length - 1} more configs`;

  return { ...main, message: `${main.message} ${count} cannot be run.`, data: { ...main.data, findings } };
}

/** A matrix that stands for no runs has no findings: it is one. */
function findingsOfRefusal({ data, code, severity, message, configPath = [], file }: Problem) {
  const findings = data?.['findings'] as readonly ConfigFinding[] | undefined;
  return (
    findings ?? [
      { code, severity, message, configPath, file: file ?? null, range: null } satisfies ConfigFinding,
    ]
  );
}

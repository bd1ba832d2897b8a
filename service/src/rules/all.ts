import { DATA_KIND_NAMES, placeText, type QuantizationConfig } from '@quantsmith/schemas';
import type { ConfigContext } from '../context/context.js';
import { meaningOf } from '../context/meaning.js';
import { edited } from '../document/compose.js';
import type { ConfigDocument } from '../document/document.js';
import { quoted } from '../document/edit.js';
import { walk, type Tree } from '../document/tree.js';
import { NOTHING_INHERITED } from '../extends/inherit.js';
import { NO_FACTS } from '../facts/facts.js';
import { createModelIndex } from '../facts/modelIndex.js';
import { belowFolder } from '../findings/belowFolder.js';
import type { Finding } from '../findings/finding.js';
import { fix, type Fix, type Fixable, type FixTable } from '../findings/fix.js';
import { RULES } from './list.js';
import { createListMemory } from './listMemory.js';
import type { RuleInput } from './rule.js';
import { withoutSuppressed } from './suppress.js';

/** What the rules may look at beside the text; what is absent is not known, and not complained about. */
export type RuleContext = Partial<ConfigContext>;

/** The gravest first. */
const SEVERITIES = ['error', 'warning', 'info', 'hint'];

/** Findings of one code that are told; the last one says how many more there are. */
const MAX_PER_CODE = 1000;

export interface Found {
  readonly findings: Finding[];
  /** With what it inherits written into it; null: it is not valid. */
  readonly config: QuantizationConfig | null;
  /** The same, valid or not; undefined: the text cannot be read, or the value is too large to be expanded. */
  readonly value: unknown;
}

/** All findings of a config, in the order of the text. */
export function findAll(document: ConfigDocument, context: RuleContext): Found {
  const steps = findInSteps(document, context);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * The same rule by rule, for who has other work to do between them; the text must not change meanwhile. `lists`: what is known of
 * the version before.
 */
export function* findInSteps(
  document: ConfigDocument,
  context: RuleContext,
  lists = createListMemory(),
): Generator<undefined, Found> {
  // As it is known of this text, not of one that it was made from.
  const { meaning = null, inherited } = context;
  const { value, config: valid } = meaning?.document === document ? meaning : meaningOf(document, inherited);
  const input: RuleInput = {
    baseDir: null,
    inherited: NOTHING_INHERITED,
    facts: NO_FACTS,
    model: null,
    index: context.model === null || context.model === undefined ? null : createModelIndex(context.model),
    modelProblem: null,
    report: null,
    changed: null,
    output: null,
    ...context,
    document,
    value,
    lists,
    config: null,
  };

  // Whether the text can be read decides what the others are asked.
  const unread = yield* checked(input, (needs) => needs === 'text');
  const isRead = unread.every(({ finding }) => finding.severity !== 'error');
  const config = isRead ? valid : null;
  const all = [...unread, ...(yield* checked({ ...input, config }, (needs) => needs !== 'text'))];

  const fixed = all.filter(({ suppressible }) => !suppressible).map(({ finding }) => finding);
  const open = all.filter(({ suppressible }) => suppressible).map(({ finding }) => finding);
  const visible = new Set([...fixed, ...withoutSuppressed(document, open)]);
  const findings = shown(
    document,
    all.map(({ finding }) => finding).filter((finding) => visible.has(finding)),
  );
  const order = (a: Finding, b: Finding) =>
    a.start - b.start || SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);

  return { findings: capped(findings.sort(order)), config, value: isRead ? value : undefined };
}

interface Judged {
  readonly finding: Finding;
  readonly suppressible: boolean;
}

function* checked(input: RuleInput, isAsked: (needs: string) => boolean): Generator<undefined, Judged[]> {
  const { baseDir } = input;
  const portable = (finding: Finding): Finding => {
    // A name that a block scalar gives ends with a line break: a message is one line all the same.
    const message = finding.message.replaceAll('\n', '\\n');
    return { ...finding, message: baseDir === null ? message : belowFolder(message, baseDir) };
  };

  const judged: Judged[] = [];
  for (const { needs, checkIf, suppressible } of RULES) {
    if (!isAsked(needs)) continue;
    for (const finding of checkIf(input)) judged.push({ finding: portable(finding), suppressible });
    yield;
  }

  return judged;
}

/** Thousands of findings of one kind help nobody. */
function capped(findings: readonly Finding[]): Finding[] {
  const counts = new Map<string, number>();
  const count = ({ code }: Finding) => {
    const next = (counts.get(code) ?? 0) + 1;
    counts.set(code, next);
    return next;
  };

  const kept = findings.filter((finding) => count(finding) <= MAX_PER_CODE);

  return kept.map((finding, index) => {
    const total = counts.get(finding.code)!;
    const isLast = total > MAX_PER_CODE && !kept.slice(index + 1).some(({ code }) => code === finding.code);
    const more = `${total - MAX_PER_CODE} more of this kind`;
    return isLast ? { ...finding, message: `${finding.message} There are ${more}.` } : finding;
  });
}

/** What is wrong with a data source itself: what its samples or labels would be, nobody can say then. */
const NO_SOURCE: ReadonlySet<string> = new Set([
  ...['data-source', 'source-kind', 'data-empty', 'file-missing', 'data-unreadable', 'data-inputs'],
]);
/** What is said of samples and labels that are there. */
const OF_SAMPLES: ReadonlySet<string> = new Set([
  ...['sample-shape', 'sample-count', 'labels-unfit', 'labels-class', 'data-shared', 'data-unreadable'],
]);

/** Whether a finding is of the key that is said to be missing, in another spelling. */
function isMisspelt(
  { code, path, data }: Finding,
  parent: Finding['path'],
  missing: Finding['data'],
): boolean {
  const target: unknown = data?.['target'];
  const meant: unknown =
    data?.suggestions?.[0] ?? (Array.isArray(target) ? target[parent.length] : undefined);
  const keys: unknown = missing?.['missing'];
  const isBeside = path.slice(0, -1).join('\0') === parent.join('\0');
  return code === 'unknown-key' && isBeside && Array.isArray(keys) && keys.length === 1 && keys[0] === meant;
}

/** What the schema says of a part that may be read otherwise once the text can be read. */
const OF_SCHEMA: ReadonlySet<string> = new Set([
  ...['missing-key', 'unknown-key', 'wrong-type', 'unknown-value', 'out-of-range', 'data-source'],
]);

/** Findings of which another one is the cause. */
function isFollowUp({ code, path, start, data }: Finding, findings: readonly Finding[]): boolean {
  if (code === 'missing-key')
    return findings.some(
      (other) =>
        other.code === 'syntax' ||
        (path.length === 0 && ofBase(other)) ||
        (other.code === 'data-source' && other.start === start) ||
        isMisspelt(other, path, data),
    );
  // What a base that cannot be read means is not known.
  if (code === 'extends-invalid' && path[0] !== 'extends')
    return findings.some((other) => other.code === 'extends-invalid' && other.path[0] === 'extends');
  // A source under another name is named already, and what an undefined anchor would bring, nobody knows.
  if (code === 'data-source' && (isMisnamedSource(path, findings) || isMergeUnknown(path, findings)))
    return true;
  if (
    code === 'wrong-type' &&
    findings.some((other) => other.code === 'unknown-anchor' && other.start === start)
  )
    return true;
  // An input that the model feeds back is one of those that no audio feeds.
  if (code === 'data-inputs')
    return findings.some((other) => other.code === 'states-missing' && other.path[1] === path[1]);
  if (code === 'data-empty')
    return findings.some(
      (other) => other.code === 'data-source' && other.path.join('.') === path.slice(0, 2).join('.'),
    );
  // What the last run warned of is told of the config already.
  if (code === 'run-warning')
    return findings.some(
      (other) => other.code === data?.['warning'] && placeText(other.path) === placeText(path),
    );
  // What is no module is no metric either.
  if (code === 'unknown-value')
    return findings.some((other) => other.code === 'source-kind' && other.start === start);
  // A metric that the model cannot have says nothing of labels.
  if (code === 'labels-unfit' && findings.some((other) => other.code === 'metric-unfit')) return true;
  if (!OF_SAMPLES.has(code)) return false;
  const [, section] = path;

  return findings.some((other) => {
    const [top, place, key] = other.path;
    const isSource = typeof key !== 'string' || (DATA_KIND_NAMES as readonly string[]).includes(key);
    const isCause = NO_SOURCE.has(other.code) && top === 'data' && place === section && isSource;
    return isCause && other.code !== code && !(code === 'data-unreadable' && other.code === 'data-inputs');
  });
}

/** Whether a finding is of what a config extends: what is missing may be there. */
const ofBase = ({ code, path }: Finding) => code === 'extends-invalid' || path[0] === 'extends';

/** Whether a data section has a key that is said to be one of a source, in another spelling. */
function isMisnamedSource(section: Finding['path'], findings: readonly Finding[]): boolean {
  return findings.some(({ code, path, data }) => {
    if (code !== 'unknown-key' || path.slice(0, -1).join('.') !== section.join('.')) return false;
    const meant = Array.isArray(data?.['target']) ? data['target'] : [...section, data?.suggestions?.[0]];
    const isHere = meant.slice(0, 2).join('.') === section.join('.');
    return isHere && (DATA_KIND_NAMES as readonly unknown[]).includes(meant[2]);
  });
}

/** Whether a section merges what an undefined anchor would name. */
const isMergeUnknown = (section: Finding['path'], findings: readonly Finding[]) =>
  findings.some(
    ({ code, path }) =>
      code === 'unknown-anchor' &&
      path.includes('<<' as never) &&
      section.every((step, index) => path[index] === step),
  );

const WRONG_VALUES: ReadonlySet<string> = new Set(['wrong-type', 'unknown-value', 'out-of-range']);

/**
 * What is worth saying: nothing twice (an alias brings the same text to several keys), nothing of the schema about what
 * could not be read, and nothing of what other readers take a value for that is wrong here already.
 */
function shown({ text }: ConfigDocument, findings: readonly Finding[]): Finding[] {
  const unread = findings.filter(({ code }) => code === 'syntax');
  const wrong = new Set(findings.flatMap(({ code, start }) => (WRONG_VALUES.has(code) ? [start] : [])));
  const seen = new Set<string>();

  // What stands behind the first place that cannot be read, or around it, may be meant otherwise.
  const unreadable = unread.reduce(
    (first, { start, data }) => Math.min(first, data?.['hasCause'] === true ? 0 : start),
    Number.POSITIVE_INFINITY,
  );
  const lineOf = (offset: number) => text.positionAt(offset).line;
  const isBehind = (end: number) =>
    end >= unreadable || (Number.isFinite(unreadable) && lineOf(end) === lineOf(unreadable));

  return findings.filter((finding) => {
    const { code, start, end, message } = finding;
    if (OF_SCHEMA.has(code) && isBehind(end)) return false;
    if (code !== 'syntax' && unread.some((other) => other.start < end && start < other.end)) return false;
    if (isFollowUp(finding, findings)) return false;
    if (code === 'yaml-version' && wrong.has(start)) return false;
    const key = `${start}:${end}:${code}:${message}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** The fixes of every rule, by code; suggestions are fixes of every code that has them. */
export const FIXES: FixTable = Object.assign({}, ...RULES.map(({ fixes }) => fixes ?? {})) as FixTable;

const SPELLING: ReadonlySet<string> = new Set(RULES.flatMap(({ spelling }) => spelling ?? []));

/**
 * The fix of a finding that is no more than another spelling: there is one, and it has the digits that are written. Whether
 * the text can be read afterwards is not checked.
 */
export function spellingFix(document: ConfigDocument, finding: Fixable): Fix | null {
  if (!SPELLING.has(finding.code) || finding.data['isLossy'] === true) return null;
  const [only, ...others] = candidates(document, finding).filter(({ preferred }) => preferred);
  if (only === undefined || others.length > 0) return null;
  const digits = (text: string) => text.replace(/\D/g, '').replace(/^0+/, '');
  const names = finding.code === 'unknown-key' || finding.code === 'unknown-value';
  const [suggestion = ''] = finding.data.suggestions ?? [];
  const written = document.text.getText().slice(finding.start, finding.end);
  // A list of one may be one that is not written to its end.
  if (finding.code === 'wrong-type' && /^(\[|- )/.test(written)) return null;

  return names && digits(written) !== digits(suggestion) ? null : only;
}

/** Whether a comment can leave out what a rule finds; codes that several rules share, only where it is no error. */
export function isSuppressible(code: string, isError: boolean): boolean {
  const rules = RULES.filter(({ codes }) => (codes as readonly string[]).includes(code));
  const [some, every] = [rules.some(suppresses), rules.every(suppresses)];
  return every || (some && !isError);
}

const suppresses = ({ suppressible }: { readonly suppressible: boolean }) => suppressible;

/** All fixes of a finding, the best first, that leave a text that can be read. */
export function fixesOf(document: ConfigDocument, finding: Fixable): Fix[] {
  return candidates(document, finding).filter(({ edits }) => keepsReadable(document, edits));
}

function candidates(document: ConfigDocument, finding: Fixable): Fix[] {
  const { suggestions = [] } = finding.data;
  const written = document.text.getText().slice(finding.start, finding.end);
  // A block scalar ends behind its last line break, which stays.
  const length = /^[|>]/.test(written) ? written.trimEnd().length : written.length;
  const range = {
    start: document.text.positionAt(finding.start),
    end: document.text.positionAt(finding.start + length),
  };
  const replaced = suggestions
    .slice(0, 5)
    .flatMap((suggestion) =>
      fix(
        `Change to ${suggestion}`,
        [{ range, newText: inQuotesOf(written, suggestion) }],
        suggestions.length === 1,
      ),
    );

  return [...replaced, ...(FIXES[finding.code]?.(document, finding) ?? [])];
}

/**
 * YAML has forms (explicit keys, tags over lines) that an edit by lines can break, and anchors that others need: such a fix
 * is not offered.
 */
export function keepsReadable(document: ConfigDocument, edits: Fix['edits']): boolean {
  if (edits.length === 0) return true;
  const after = edited(document, edits).tree;
  const before = document.tree;

  return (
    after.problems.length <= before.problems.length &&
    lostAliases(after) <= lostAliases(before) &&
    duplicateKeys(after) <= duplicateKeys(before)
  );
}

function duplicateKeys({ root }: Tree): number {
  let count = 0;
  walk(root, (node) => {
    if (node.kind !== 'mapping') return;
    const keys = node.entries.flatMap(({ key }) => (key === '<<' ? [] : [key]));
    count += keys.length - new Set(keys).size;
  });
  return count;
}

function lostAliases({ root }: Tree): number {
  let count = 0;
  walk(root, (node) => {
    if (node.kind === 'alias' && node.target === undefined) count++;
  });
  return count;
}

/** A suggestion in the quotes that the text stands in; numbers, booleans, lists and what is quoted already stay as they are. */
function inQuotesOf(written: string, suggestion: string): string {
  const quote = /^["']/.exec(written)?.[0] as '"' | "'" | undefined;
  if (/^["'*]|^(true|false|null|-?[\d.]+(e[+-]?\d+)?|\[[\d, ]+\])$/i.test(suggestion)) return suggestion;
  return quoted(suggestion, quote ?? '');
}

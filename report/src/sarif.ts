import type { Log, PhysicalLocation, ReportingDescriptor } from 'sarif';

/** One result: what, how bad, where. */
export interface SarifResult {
  readonly ruleId: string;
  readonly level: 'error' | 'warning' | 'note';
  readonly message: string;
  /** URI of the file that it is about. */
  readonly uri: string;
  /** Zero-based lines and UTF-16 columns, the end excluded; null: the file as a whole. */
  readonly range: {
    readonly start: { readonly line: number; readonly character: number };
    readonly end: { readonly line: number; readonly character: number };
  } | null;
}

/** A finding's severity as SARIF has it. */
export const SARIF_LEVELS = { error: 'error', warning: 'warning', info: 'note', hint: 'note' } as const;

/** A finding's rule. What a run warned of has a code of its own: code hosts group and mute results by it. */
export const sarifRuleId = (code: string, warning: unknown): string =>
  code === 'run-warning' && typeof warning === 'string' ? warning : code;

/** What a rule means. */
export interface SarifRule {
  /** Markdown. */
  readonly text: string;
  readonly helpUri: string;
}

/** The name by which code hosts know the root of a checkout. Its place on this machine is left out: it holds nowhere else. */
const ROOT = '%SRCROOT%';

/**
 * A log in SARIF 2.1.0, which code hosts show as annotations. `root` is the URI of the folder that the files are
 * checked out to, with a slash at its end: files below it are written relative to it, so that the log still holds
 * where the checkout lies elsewhere. `ruleOf` says what a rule means; null: nothing is known of it.
 */
export function sarifLog(
  version: string,
  root: string,
  results: readonly SarifResult[],
  ruleOf: (id: string) => SarifRule | null = () => null,
): Log {
  const rules = [...new Set(results.map((result) => result.ruleId))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'quantsmith',
            version,
            semanticVersion: version,
            rules: rules.map((id) => descriptor(id, ruleOf(id))),
          },
        },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: { [ROOT]: { description: { text: 'The folder that was checked.' } } },
        results: withFingerprints(results, root).map(
          ({ ruleId, level, message, uri, range, fingerprint }) => ({
            ruleId,
            ruleIndex: rules.indexOf(ruleId),
            level,
            message: { text: message },
            locations: [{ physicalLocation: { artifactLocation: artifact(uri, root), ...region(range) } }],
            partialFingerprints: { 'quantsmith/v1': fingerprint },
          }),
        ),
      },
    ],
  };
}

function descriptor(id: string, rule: SarifRule | null): ReportingDescriptor {
  if (rule === null) return { id };
  const [first = ''] = rule.text.split('\n').filter((line) => line !== '' && !line.startsWith('Severity:'));
  return {
    id,
    shortDescription: { text: firstSentence(first) },
    fullDescription: { text: first },
    helpUri: rule.helpUri,
    help: { text: rule.text, markdown: rule.text },
  };
}

function firstSentence(text: string): string {
  return /^.*?[.:](?=\s|$)/.exec(text)?.[0].replace(/:$/, '.') ?? text;
}

/**
 * What makes a result the same one after lines moved: its rule, file and message, and a count where several are alike.
 * Code hosts keep its comments and dismissals by it.
 */
function withFingerprints(results: readonly SarifResult[], root: string) {
  const seen = new Map<string, number>();
  return results.map((result) => {
    const key = [result.ruleId, artifact(result.uri, root).uri, result.message].join('\n');
    const count = seen.get(key) ?? 0;
    seen.set(key, count + 1);
    return { ...result, fingerprint: `${hashOf(key)}:${count}` };
  });
}

/** FNV-1a of 64 bits, as 16 hexadecimal digits: no secret, it tells results apart. */
function hashOf(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

function artifact(uri: string, root: string) {
  return uri.startsWith(root) ? { uri: uri.slice(root.length), uriBaseId: ROOT } : { uri };
}

function region(range: SarifResult['range']): PhysicalLocation {
  if (range === null) return {};
  return {
    region: {
      startLine: range.start.line + 1,
      startColumn: range.start.character + 1,
      endLine: range.end.line + 1,
      endColumn: range.end.character + 1,
    },
  };
}

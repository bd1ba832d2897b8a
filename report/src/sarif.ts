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

/**
 * A log in SARIF 2.1.0, which code hosts show as annotations. `root` is the URI of the folder that the files are
 * checked out to, with a slash at its end: files below it are written relative to it, so that the log still holds
 * where the checkout lies elsewhere.
 */
export function sarifLog(version: string, root: string, results: readonly SarifResult[]): object {
  const rules = [...new Set(results.map((result) => result.ruleId))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'quantsmith', version, rules: rules.map((id) => ({ id })) } },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: { ROOT: { uri: root } },
        results: results.map(({ ruleId, level, message, uri, range }) => ({
          ruleId,
          ruleIndex: rules.indexOf(ruleId),
          level,
          message: { text: message },
          locations: [{ physicalLocation: { artifactLocation: artifact(uri, root), ...region(range) } }],
        })),
      },
    ],
  };
}

function artifact(uri: string, root: string) {
  return uri.startsWith(root) ? { uri: uri.slice(root.length), uriBaseId: 'ROOT' } : { uri };
}

function region(range: SarifResult['range']) {
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

import { checkConfigFile, type CheckedConfig, type CheckedFinding } from '@quantsmith/server';
import { pathToFileURL } from 'node:url';
import { EXIT } from '../exit.js';
import { TOOL_VERSION } from '../version.js';

/** `quantsmith check`: prints every finding; 1 when there is an error. */
export async function checkCommand(paths: readonly string[], format: string): Promise<number> {
  const checked = await Promise.all(paths.map((path) => checkConfigFile(path)));
  if (format === 'json') console.log(JSON.stringify(checked.map(asJson), null, 2));
  else if (format === 'sarif') console.log(JSON.stringify(sarif(checked), null, 2));
  else printText(checked);
  const failed = checked.some(({ findings }) => findings.some((finding) => finding.severity === 'error'));
  return failed ? EXIT.findings : EXIT.ok;
}

/** `file:line:column: severity: message [code]`, the form that editors and CI systems turn into links. */
export function findingLine(file: string, finding: CheckedFinding): string {
  const { line, character } = finding.range.start;
  return `${file}:${line + 1}:${character + 1}: ${finding.severity}: ${finding.message} [${finding.code}]`;
}

function printText(checked: readonly CheckedConfig[]): void {
  let count = 0;
  for (const { path, findings } of checked) {
    for (const finding of findings) {
      console.log(findingLine(path, finding));
      count++;
    }
  }
  console.log(
    count === 0
      ? `${checked.length === 1 ? 'The config is' : `All ${checked.length} configs are`} fine.`
      : `${count} ${count === 1 ? 'finding' : 'findings'}.`,
  );
}

function asJson({ path, findings }: CheckedConfig) {
  return {
    path,
    findings: findings.map(({ code, severity, message, range, path: configPath, data }) => ({
      code,
      severity,
      message,
      range,
      config_path: configPath,
      data: data ?? {},
    })),
  };
}

const LEVELS = { error: 'error', warning: 'warning', info: 'note', hint: 'note' } as const;

/** SARIF 2.1.0, which code hosts show as annotations. */
function sarif(checked: readonly CheckedConfig[]) {
  const codes = [
    ...new Set(checked.flatMap(({ findings }) => findings.map((finding) => finding.code))),
  ].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'quantsmith', version: TOOL_VERSION, rules: codes.map((id) => ({ id })) } },
        columnKind: 'utf16CodeUnits',
        results: checked.flatMap(({ path, findings }) =>
          findings.map((finding) => ({
            ruleId: finding.code,
            level: LEVELS[finding.severity],
            message: { text: finding.message },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: pathToFileURL(path).href },
                  region: {
                    startLine: finding.range.start.line + 1,
                    startColumn: finding.range.start.character + 1,
                    endLine: finding.range.end.line + 1,
                    endColumn: finding.range.end.character + 1,
                  },
                },
              },
            ],
          })),
        ),
      },
    ],
  };
}

import { sarifLog } from '@quantsmith/report';
import { checkConfigFile, type CheckedConfig, type CheckedFinding } from '@quantsmith/server';
import { pathToFileURL } from 'node:url';
import { EXIT } from '../exit.js';
import { SARIF_LEVELS, workingFolder } from '../sarif.js';
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

function sarif(checked: readonly CheckedConfig[]): object {
  const results = checked.flatMap(({ path, findings }) =>
    findings.map(({ code, severity, message, range }) => ({
      ruleId: code,
      level: SARIF_LEVELS[severity],
      message,
      uri: pathToFileURL(path).href,
      range,
    })),
  );
  return sarifLog(TOOL_VERSION, workingFolder(), results);
}

import { factsText, summaryFacts } from '@quantsmith/report';
import { allowanceText, changeClause, type QuantizationReport } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import type { RunResult } from './commands/run.js';
import { findConfigs, watchConfigs } from './config/configs.js';
import { readReport } from './report/files.js';

/** Runs a config; undefined: it was cancelled or failed. */
type RunConfig = (config: vscode.Uri) => Promise<RunResult | undefined>;

/** Configs as tests: a run that meets its target passes, one that misses it fails on the line of the target. */
export function createTestExplorer(run: RunConfig): vscode.Disposable {
  const controller = vscode.tests.createTestController('quantsmith', 'Quantization');
  const refresh = async () => {
    const configs = await findConfigs();
    controller.items.replace(
      configs.map((config) =>
        controller.createTestItem(config.toString(), vscode.workspace.asRelativePath(config), config),
      ),
    );
  };

  controller.resolveHandler = (item) => (item === undefined ? refresh() : undefined);
  controller.refreshHandler = refresh;
  const watcher = watchConfigs(() => void refresh());

  controller.createRunProfile(
    'Quantize',
    vscode.TestRunProfileKind.Run,
    async (request, token) => {
      const test = controller.createTestRun(request);
      const items = request.include ?? [...controller.items].map(([, item]) => item);
      for (const item of items.filter((excluded) => request.exclude?.includes(excluded) !== true)) {
        if (token.isCancellationRequested) test.skipped(item);
        else await runTest(test, item, run);
      }

      test.end();
    },
    true,
  );

  return vscode.Disposable.from(controller, watcher);
}

async function runTest(test: vscode.TestRun, item: vscode.TestItem, run: RunConfig): Promise<void> {
  const { uri } = item;
  if (uri === undefined) return;
  test.started(item);
  const started = Date.now();
  const result = await run(uri);
  const duration = Date.now() - started;
  if (result === undefined) {
    test.errored(
      item,
      new vscode.TestMessage(vscode.l10n.t('The run was cancelled or failed; see the log.')),
      duration,
    );
    return;
  }

  const report = await readReport(vscode.Uri.file(result.reportPath));
  if (report !== null) test.appendOutput(outputOf(report), undefined, item);
  if (result.satisfied !== false && result.distrust === null) {
    test.passed(item, duration);
    return;
  }

  const message = new vscode.TestMessage(
    result.distrust ?? (report === null ? 'The target was missed.' : missed(report)),
  );

  message.location = new vscode.Location(uri, await targetRange(uri));
  test.failed(item, message, duration);
}

/** The figures that decide, as the command line prints them; a terminal wants both ends of a line. */
const outputOf = (report: QuantizationReport) =>
  `${factsText(summaryFacts(report)).trimEnd().replaceAll('\n', '\r\n')}\r\n`;

function missed({ metric }: QuantizationReport): string {
  if (metric === null) return 'The target was missed.';
  return `${metric.name} ${changeClause(metric, metric.drop)}; ${allowanceText(metric, metric.max_drop ?? 0)}.`;
}

/** Where the target is written: the key max_drop or target, else the section, else the first line. */
async function targetRange(config: vscode.Uri): Promise<vscode.Range> {
  const document = await vscode.workspace.openTextDocument(config);
  for (const key of [/\b(max_drop|target)\b/, /\baccuracy_control\b/]) {
    for (let line = 0; line < document.lineCount; line++)
      if (key.test(document.lineAt(line).text)) return document.lineAt(line).range;
  }

  return document.lineAt(0).range;
}

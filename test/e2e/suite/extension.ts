import * as assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as vscode from 'vscode';

/** Waits for a condition by asking again and again; fails with what was waited for. */
async function until<T>(what: string, ask: () => T | undefined | false): Promise<T> {
  const end = Date.now() + 30_000;
  for (;;) {
    const answer = ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`Timed out waiting for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const inWorkspace = (name: string) => vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, name);

async function open(name: string): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(inWorkspace(name));
  await vscode.window.showTextDocument(document);
  return document;
}

/** A code with a link to its page comes as an object. */
const codeOf = ({ code }: vscode.Diagnostic) => String(typeof code === 'object' ? code.value : code);
const codes = (uri: vscode.Uri) => vscode.languages.getDiagnostics(uri).map(codeOf);
const at = (document: vscode.TextDocument, text: string, offset = 0) =>
  document.positionAt(document.getText().indexOf(text) + offset);

suite('Quantsmith in a real extension host', () => {
  test('a config has a language of its own and starts the extension', async () => {
    const document = await open('mistaken.quant.yaml');
    assert.equal(document.languageId, 'quant-yaml');
    const extension = vscode.extensions.getExtension('quantsmith.quantsmith');
    assert.ok(extension, 'the extension is installed');
    await extension.activate();
  });

  test('a wrong key is found, and its fix leaves nothing to complain about', async () => {
    const document = await open('mistaken.quant.yaml');
    const [diagnostic] = await until('diagnostics', () => {
      const all = vscode.languages.getDiagnostics(document.uri);
      return all.length > 0 && all;
    });
    assert.equal(codeOf(diagnostic!), 'unknown-key');
    assert.equal(document.getText(diagnostic!.range), 'prset');
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      document.uri,
      diagnostic!.range,
    );
    const fix = actions.find((action) => action.isPreferred);
    assert.ok(fix?.edit, 'there is a preferred fix');
    await vscode.workspace.applyEdit(fix.edit);
    await until('no diagnostics', () => vscode.languages.getDiagnostics(document.uri).length === 0);
    assert.match(document.getText(), /^ {2}preset: mixed$/m);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  });

  test('hover and completion know the schema', async () => {
    const document = await open('digits.quant.yaml');
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      at(document, 'overflow_fix', 3),
    );
    const text = hovers
      .flatMap((hover) => hover.contents.map((content) => (content as vscode.MarkdownString).value))
      .join('\n');
    assert.match(text, /half of the 8-bit range/);
    const list = await vscode.commands.executeCommand<vscode.CompletionList>(
      'vscode.executeCompletionItemProvider',
      document.uri,
      at(document, 'disable', 0),
    );
    const labels = list.items.map((item) => (typeof item.label === 'string' ? item.label : item.label.label));
    assert.deepEqual(
      labels.filter((label) => ['enable', 'first_layer', 'disable', 'auto'].includes(label)),
      ['enable', 'first_layer', 'disable', 'auto'],
    );
  });

  test('a run writes model and report and says on the config what it cost', async () => {
    const document = await open('digits.quant.yaml');
    const result = await vscode.commands.executeCommand<{
      reportPath: string;
      outputPath: string;
      satisfied: boolean;
    }>('quantsmith.run');
    assert.equal(result.satisfied, true);
    assert.ok(existsSync(result.outputPath));
    const report = JSON.parse(readFileSync(result.reportPath, 'utf8')) as {
      restoration: { reverted: string[] };
    };
    assert.ok(report.restoration.reverted.length > 0, 'something was restored');
    await until('the accuracy diagnostic', () => codes(document.uri).includes('accuracy-restored'));
    assert.ok(codes(document.uri).includes('setting-cost'));
  });

  test('the lens above a config runs it and opens the report', async () => {
    const isReport = (tab: vscode.Tab) => tab.label === 'Report: digits.int8.onnx';
    const reports = () => vscode.window.tabGroups.all.flatMap((group) => group.tabs.filter(isReport));
    // The panel of the run before: tabs come and go later than the calls that open and close them.
    await until('the panel of the run before', () => reports().length === 1);
    await vscode.window.tabGroups.close(reports());
    await until('no report panel', () => reports().length === 0);
    const document = await open('digits.quant.yaml');
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      document.uri,
      10,
    );
    const lens = lenses.find(({ command }) => command?.title === 'Run quantization')?.command;
    assert.ok(lens, 'there is a lens');
    await vscode.commands.executeCommand(lens.command, ...(lens.arguments as unknown[]));
    await until('the report panel', () => reports().length === 1);
  });

  test('a report has one panel, and the newest of a config is shown', async () => {
    const tabs = (label: string) =>
      vscode.window.tabGroups.all.flatMap((group) => group.tabs.filter((tab) => tab.label === label));
    const { uri } = await open('digits.quant.yaml');
    const folder = vscode.Uri.joinPath(uri, '..');
    await vscode.commands.executeCommand('quantsmith.showReport');
    const report = JSON.parse(
      readFileSync(vscode.Uri.joinPath(folder, 'digits.int8.onnx.report.json').fsPath, 'utf8'),
    ) as { created: string; config: { path: string }; output: { path: string } };
    report.config.path = `../${report.config.path}`;
    report.created = new Date(Date.parse(report.created) + 1000).toISOString();
    report.output.path = report.output.path.replace('digits.int8', 'later');
    mkdirSync(vscode.Uri.joinPath(folder, 'out').fsPath);
    writeFileSync(vscode.Uri.joinPath(folder, 'out/a.later.onnx.report.json').fsPath, JSON.stringify(report));
    await open('digits.quant.yaml');
    await vscode.commands.executeCommand('quantsmith.showReport');
    await until('the newer report', () => tabs('Report: later.onnx').length === 1);
    assert.equal(tabs('Report: digits.int8.onnx').length, 1);
  });

  test('a config is converted to the other notation, with its comments, in an unsaved editor', async () => {
    const document = await open('digits.quant.yaml');
    await vscode.commands.executeCommand('quantsmith.convert');
    const isConverted = ({ uri }: vscode.TextDocument) => uri.path.endsWith('/digits.quant.json');
    const converted = await until('the converted config', () =>
      vscode.workspace.textDocuments.find((one) => isConverted(one) && one.getText() !== ''),
    );
    assert.equal(converted.languageId, 'quant-json');
    assert.ok(converted.isUntitled, 'nothing was written');
    assert.match(converted.getText(), /"model": "digits\.onnx"/);
    const comment = /# (.{10,30}\w)/.exec(document.getText())![1]!;
    assert.ok(converted.getText().includes(comment), 'comments are kept');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  test('overflow fixes are compared after a run, in its report and on the line', async () => {
    const document = await open('wide.quant.yaml');
    // Without a run there is no report to put the comparison into.
    assert.equal(await vscode.commands.executeCommand('quantsmith.overflow'), undefined);
    await vscode.commands.executeCommand('quantsmith.run');
    await open('wide.quant.yaml');
    const risk = () =>
      vscode.languages.getDiagnostics(document.uri).find((one) => codeOf(one) === 'overflow-risk');
    const before = await until('the risk', risk);
    assert.equal(document.getText(before.range), 'overflow_fix: disable');
    assert.match(before.message, /compares the settings/);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      document.uri,
      before.range,
    );
    const action = actions.find(({ title }) => title === 'Compare the settings of overflow_fix');
    assert.ok(action?.command, 'the finding offers the comparison');
    await vscode.commands.executeCommand(action.command.command, ...(action.command.arguments as unknown[]));
    await until('what the settings give', () => /disable \d.*auto \d/.test(risk()?.message ?? ''));
    const report = JSON.parse(
      readFileSync(vscode.Uri.joinPath(document.uri, '../wide.int8.onnx.report.json').fsPath, 'utf8'),
    ) as { overflow: { settings: { fix: string }[] } };
    assert.deepEqual(
      report.overflow.settings.map(({ fix }) => fix),
      ['disable', 'first_layer', 'enable', 'auto'],
    );
  });

  test('a new config is a file at once, and runs without being saved', async () => {
    const model = inWorkspace('fresh.onnx');
    writeFileSync(model.fsPath, readFileSync(inWorkspace('digits.onnx').fsPath));
    const config = await vscode.commands.executeCommand<vscode.Uri>('quantsmith.newConfig', model);
    assert.ok(config.path.endsWith('/fresh.quant.yaml'));
    assert.ok(existsSync(config.fsPath), 'it is written');
    const document = await vscode.workspace.openTextDocument(config);
    const edit = new vscode.WorkspaceEdit();
    const whole = new vscode.Range(0, 0, document.lineCount, 0);
    const wide = readFileSync(inWorkspace('digits-default.quant.yaml').fsPath, 'utf8');
    edit.replace(config, whole, wide.replaceAll('digits-default.int8.onnx', 'fresh.int8.onnx'));
    await vscode.workspace.applyEdit(edit);
    assert.ok(document.isDirty);
    const result = await vscode.commands.executeCommand<{ outputPath: string }>('quantsmith.run', config);
    assert.ok(existsSync(result.outputPath), 'it ran');
    assert.ok(!document.isDirty, 'it was saved');
  });

  test('a second run of a config joins the first, and several configs queue', async () => {
    const [first, second, other] = await Promise.all(
      ['digits', 'digits', 'wide'].map((name) =>
        vscode.commands.executeCommand<{ reportPath: string }>(
          'quantsmith.run',
          inWorkspace(`${name}.quant.yaml`),
        ),
      ),
    );
    assert.ok(first, 'the run ended well');
    assert.deepEqual(second, first);
    assert.ok(other && other.reportPath !== first.reportPath);
  });

  test('a run that is cancelled leaves the config as it was, and nothing behind', async () => {
    const before = readFileSync(inWorkspace('digits.int8.onnx.report.json').fsPath, 'utf8');
    const run = vscode.commands.executeCommand('quantsmith.run', inWorkspace('digits.quant.yaml'));
    let ended = false;
    void run.then(() => (ended = true));
    await until('the end of the run', () => {
      void vscode.commands.executeCommand('quantsmith.cancel', inWorkspace('digits.quant.yaml'));
      return ended;
    });
    assert.equal(await run, undefined);
    assert.equal(readFileSync(inWorkspace('digits.int8.onnx.report.json').fsPath, 'utf8'), before);
    const folder = await vscode.workspace.fs.readDirectory(inWorkspace('.'));
    assert.deepEqual(
      folder.map(([name]) => name).filter((name) => /\.tmp|\.restore\.jsonl/.test(name)),
      [],
    );
  });

  test('one click of the overflow comparison sets the fix', async () => {
    const config = inWorkspace('wide.quant.yaml');
    await vscode.commands.executeCommand('quantsmith.setOverflowFix', config.toString(), 'enable');
    const document = await vscode.workspace.openTextDocument(config);
    assert.match(document.getText(), /^ {4}overflow_fix: enable$/m);
    await vscode.commands.executeCommand('workbench.action.files.revert');
    // Where the key is not written, it is put where it belongs.
    const open = inWorkspace('digits-default.quant.yaml');
    await vscode.commands.executeCommand('quantsmith.setOverflowFix', open.toString(), 'auto');
    const other = await vscode.workspace.openTextDocument(open);
    assert.match(other.getText(), /^quantization:\n {2}advanced_parameters:\n {4}overflow_fix: auto$/m);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  });

  test('a created folder clears its error', async () => {
    const config = inWorkspace('folder.quant.yaml');
    writeFileSync(config.fsPath, 'model: digits.onnx\ndata:\n  calibration:\n    images: ./pictures\n');
    await vscode.window.showTextDocument(config);
    await until('the missing folder', () => codes(config).includes('file-missing'));
    mkdirSync(inWorkspace('pictures').fsPath);
    await until('its error gone', () => !codes(config).includes('file-missing'));
  });

  test('the code of a diagnostic opens its page of the docs, rendered', async () => {
    const document = await open('mistaken.quant.yaml');
    const [diagnostic] = await until('diagnostics', () => {
      const all = vscode.languages.getDiagnostics(document.uri);
      return all.length > 0 && all;
    });
    const { code } = diagnostic!;
    assert.ok(typeof code === 'object', 'the code has a link');
    assert.equal(code.target.scheme, 'command');
    const [page, anchor] = JSON.parse(code.target.query) as string[];
    await vscode.commands.executeCommand(code.target.path, page, anchor);
    await until('the rendered page', () =>
      vscode.window.tabGroups.all.some((group) =>
        group.tabs.some((tab) => /diagnostics\.md/.test(tab.label)),
      ),
    );
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });

  test('configs are tasks', async () => {
    const tasks = await vscode.tasks.fetchTasks({ type: 'quantsmith' });
    const task = tasks.find(({ name }) => name === 'quantize digits.quant.yaml');
    assert.ok(task, `there is a task for the config: ${tasks.map(({ name }) => name).join(', ')}`);
    const ended = new Promise<number | undefined>((resolve) => {
      const listener = vscode.tasks.onDidEndTask(({ execution }) => {
        if (execution.task.name !== task.name) return;
        listener.dispose();
        resolve(0);
      });
    });
    await vscode.tasks.executeTask(task);
    assert.equal(await ended, 0);
  });

  test('two reports are shown side by side', async () => {
    const report = (name: string) => inWorkspace(`${name}.int8.onnx.report.json`).toString();
    await vscode.commands.executeCommand('quantsmith.compare', report('digits'), report('wide'));
    const isComparison = ({ input, label }: vscode.Tab) =>
      input instanceof vscode.TabInputWebview &&
      /^Comparison: \w+\.int8\.onnx and \w+\.int8\.onnx$/.test(label);
    await until('the comparison', () =>
      vscode.window.tabGroups.all.some((group) => group.tabs.some(isComparison)),
    );
    // It is no file: nothing waits to be saved.
    assert.ok(
      vscode.workspace.textDocuments.every(
        ({ isUntitled, languageId }) => !isUntitled || languageId !== 'markdown',
      ),
    );
  });
});

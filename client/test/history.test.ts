import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { QuantizationReport } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { beforeEach, describe, expect, it } from 'vitest';
import { editor, fire, toldTexts } from '../../test/kit/editor.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { createPanel } from '../../test/kit/vscode.js';
import { activeExtension, answer, executed, lastQuestion, settled } from './extension.js';

const extension = activeExtension();

interface Node {
  readonly kind: 'config' | 'run';
  readonly config: vscode.Uri;
}
interface View {
  readonly treeDataProvider: {
    onDidChangeTreeData(listener: () => void): unknown;
    getChildren(node?: Node): Promise<Node[]>;
    getTreeItem(node: Node): vscode.TreeItem;
  };
  select(nodes: readonly Node[]): void;
}

const view = () => editor.registered.get('view quantsmith.history') as View;
const children = (node?: Node) => view().treeDataProvider.getChildren(node);
const item = (node: Node) => view().treeDataProvider.getTreeItem(node);

const CONFIG = 'net.quant.yaml';
const { metric } = sampleReport();

/** Keeps a run of the config in the history, with the config's text as it was. */
function keepRun(time: string, change: Partial<QuantizationReport> = {}, text = 'model: net.onnx\n'): void {
  const folder = `.quantsmith/runs/${CONFIG}/${time}`;
  extension.write(`${folder}/${CONFIG}`, text);
  extension.writeReport(`${folder}/report.json`, CONFIG, { created: `${time}T00:00:00.000Z`, ...change });
}

const runNodes = async () => children((await children())[0]);

describe('the history', () => {
  beforeEach(() => extension.write(CONFIG, 'model: net.onnx\n'));

  it('lists the configs with their runs, the newest first', async () => {
    keepRun('2026-01-01');
    keepRun('2026-02-01', { metric: { ...metric!, quantized: 0.98 } });
    extension.write(`.quantsmith/runs/${CONFIG}/2026-03-01~123/report.json`, '{}');
    extension.write(`.quantsmith/runs/${CONFIG}/2026-04-01/report.json`, 'no report');
    extension.write('sub/other.quant.json', '{}');

    const [config, other] = await children();
    expect([config!, other!].map((node) => [item(node).label, item(node).description])).toEqual([
      [CONFIG, 'up to date'],
      ['sub/other.quant.json', 'not run yet'],
    ]);
    const runs = await children(config);
    expect(runs.map((run) => item(run).description ?? item(run).label)).toEqual([
      '▲ top1 98.00 %, 4.00× smaller, 1.00 ms',
      'top1 97.50 %, 4.00× smaller, 1.00 ms',
      '1 run that cannot be read',
    ]);
    expect(await children(runs[0])).toEqual([]);
  });

  it.each<[string, Partial<QuantizationReport>, vscode.Diagnostic[], string, string]>([
    ['that missed its target', { metric: { ...metric!, satisfied: false } }, [], 'target missed', 'warning'],
    [
      'that changed',
      {},
      [{ code: { value: 'report-stale' } } as vscode.Diagnostic],
      'changed since the last run',
      'pass',
    ],
    [
      'with errors',
      { metric: null, latency_ms: null },
      [{ severity: 0 } as vscode.Diagnostic],
      'has errors',
      'circle-filled',
    ],
    [
      'that is not trustworthy',
      { warnings: [{ code: 'output-damaged', severity: 'error', message: 'Damaged.', data: {} }] as never },
      [{ code: 'plain', severity: 1 } as vscode.Diagnostic],
      'not trustworthy',
      'warning',
    ],
  ])('says of a config %s so', async (_, change, diagnostics, state, icon) => {
    keepRun('2026-01-01', change);
    editor.diagnostics.set(extension.uri(CONFIG).toString(), diagnostics);
    const [config] = await children();
    expect(item(config!).description).toBe(state);
    const [run] = await children(config);
    expect((item(run!).iconPath as vscode.ThemeIcon).id).toBe(icon);
  });

  it('says that a config is running', async () => {
    editor.server = () => new Promise(() => undefined);
    void extension.command('run', extension.uri(CONFIG));
    await settled();
    const [config] = await children();
    expect(item(config!)).toMatchObject({ description: 'running', contextValue: 'config.running' });
    void extension.command('run', extension.write('other.quant.yaml', 'model: net.onnx\n'));
    await settled();
    const [, other] = await children();
    expect(item(other!)).toMatchObject({
      description: 'waits for another run',
      contextValue: 'config.running',
    });
  });

  it.each([
    [0.98, 'top1', '▼ '],
    [0.975, 'top1', '= '],
    [0.98, 'top5', ''],
  ])('marks a run against %s of %s before it', async (quantized, name, arrow) => {
    keepRun('2026-01-01', { metric: { ...metric!, name, quantized } });
    keepRun('2026-02-01');
    const [run] = await runNodes();
    expect(item(run!).description).toBe(`${arrow}top1 97.50 %, 4.00× smaller, 1.00 ms`);
  });

  it('follows files and diagnostics', async () => {
    let changes = 0;
    view().treeDataProvider.onDidChangeTreeData(() => changes++);
    for (const listeners of [editor.files.created, editor.files.deleted])
      for (const listener of listeners) listener(extension.uri(CONFIG));
    expect(changes).toBe(4);
    await children();
    // Findings that change no state, as most do, leave the list as it is.
    fire('diagnostics');
    expect(changes).toBe(4);
    editor.diagnostics.set(extension.uri(CONFIG).toString(), [{ severity: 0 } as vscode.Diagnostic]);
    fire('diagnostics');
    await extension.command('history.refresh');
    expect(changes).toBe(6);
    // A window on several folders may come up without them.
    fire('workspace folders');
    expect(changes).toBe(7);
  });
});

describe('commands on runs', () => {
  beforeEach(() => extension.write(CONFIG, 'model: net.onnx\nnew: 1\n'));

  it('open the report of one', async () => {
    keepRun('2026-01-01');
    const [run] = await runNodes();
    await extension.command('history.open', run);
    await extension.command('history.open', (await children())[0]);
    expect(editor.panels.map(({ title }) => title)).toEqual([
      `Report: net.int8.onnx (${new Date('2026-01-01T00:00:00.000Z').toLocaleString('sv')})`,
    ]);
  });

  describe('compare', () => {
    const asked: unknown[] = [];
    const runs = async () => {
      for (const month of ['01', '02', '03']) keepRun(`2026-${month}-01`);
      return runNodes();
    };

    const texts = (nodes: readonly Node[]) =>
      nodes.map((node) => `${item(node).id!}/${CONFIG}`).map((uri) => uri.slice(uri.indexOf('.quantsmith')));
    const page = () => editor.panels.at(-1)!;

    beforeEach(() => {
      asked.length = 0;
      editor.server = ({ name, args }) => {
        if (name !== 'quantsmith.server.settings') return undefined;
        asked.push(args.map((uri) => String(uri).slice(String(uri).indexOf('.quantsmith'))));
        return [{ setting: 'quantization.preset', values: args.map(String) }];
      };
    });

    it('one with the one before it, the older first, and settings before figures', async () => {
      const [, middle, oldest] = await runs();
      await extension.command('history.compare', middle);
      expect(page().title).toMatch(
        /^Comparison: net\.quant\.yaml, 2026-01-01 .* and net\.quant\.yaml, 2026-02-01 /,
      );
      expect(asked).toEqual([texts([oldest!, middle!])]);
      expect(page().webview.html).toMatch(/Settings.*quantization\.preset.*Side by side/s);
    });

    it('many, with the way to each report', async () => {
      const nodes = await runs();
      await extension.command('history.compare', nodes[0], nodes);
      expect(page().title).toBe('Comparison of 3 runs');
      expect(page().webview.html).toContain('href="command:quantsmith.showReport?');
    });

    it('what is selected, where the command comes from the keyboard or its rows are being read anew', async () => {
      const nodes = await runs();
      view().select(nodes.slice(0, 2));
      expect(editor.executed).toContainEqual(['setContext', 'quantsmith.selectedRuns', 2]);
      await extension.command('history.compare');
      await extension.command('history.compare', undefined, [undefined, undefined]);
      expect(asked).toEqual(Array(2).fill(texts([nodes[1]!, nodes[0]!])));
      // A single row that is being read anew is none that could be meant.
      await extension.command('history.compare', undefined);
      expect(toldTexts()).toEqual(['Select two or more runs to compare.']);
    });

    it('without settings where the server cannot tell them', async () => {
      const [newest] = await runs();
      editor.server = () => {
        throw new Error('gone');
      };

      await extension.command('history.compare', newest);
      expect(page().webview.html).not.toContain('Settings');
    });
  });

  it('compares two at least', async () => {
    keepRun('2026-01-01');
    await extension.command('history.compare', (await runNodes())[0]);
    await extension.command('history.compare');
    expect(toldTexts()).toEqual(Array(2).fill('Select two or more runs to compare.'));
  });

  it('restore the text that one was made with, as an edit', async () => {
    keepRun('2026-01-01', {}, 'model: old.onnx\n');
    await extension.command('history.restore', (await children())[0]);
    await extension.open(CONFIG);
    await extension.command('history.restore', (await runNodes())[0]);
    expect(editor.active!.document.getText()).toBe('model: old.onnx\n');
    expect(editor.active!.document.isDirty).toBe(true);
  });

  it('delete after asking, models apart', async () => {
    for (const month of ['01', '02', '03']) keepRun(`2026-${month}-01`);
    const runs = await runNodes();
    await extension.command('history.delete', runs[0]);
    expect(await runNodes()).toHaveLength(3);
    answer({ Delete: 'Delete' });
    await extension.command('history.delete', runs[0]);
    expect(lastQuestion()?.text).toBe('Delete this run from the history? The models stay.');
    await extension.command('history.delete', runs[1], runs.slice(1));
    expect(lastQuestion()?.text).toBe('Delete these 2 runs from the history? The models stay.');
    expect(await runNodes()).toEqual([]);
    const asked = editor.questions.length;
    await extension.command('history.delete');
    expect(editor.questions).toHaveLength(asked);
    expect(existsSync(extension.uri(CONFIG).fsPath)).toBe(true);
  });

  it('chart all of them, with links to their reports', async () => {
    await extension.command('history.scatter');
    expect(toldTexts()).toEqual(['There are no runs in this workspace yet.']);
    keepRun('2026-01-01');
    keepRun('2026-02-01', { metric: { ...metric!, quantized: 0.98 } });
    await extension.command('history.scatter');
    const [panel] = editor.panels;
    expect(panel!.title).toBe('Quantization runs');
    expect(panel!.webview.html).toContain('href="command:quantsmith.showReport?');
    expect(panel!.webview.html).toContain(`${CONFIG}, `);
  });
});

describe('pages after a reload', () => {
  const revive = async (view: string, state: unknown, title = '') => {
    const panel = createPanel(`quantsmith.${view}`, title);
    const serializer = editor.registered.get(`serializer quantsmith.${view}`) as {
      deserializeWebviewPanel(panel: unknown, state: unknown): Promise<void>;
    };
    await serializer.deserializeWebviewPanel(panel, state);
    return panel;
  };

  /** What the page leaves with its panel. */
  const stateIn = (html: string) =>
    JSON.parse(/data-state="(.*?)"/.exec(html)![1]!.replaceAll('&#34;', '"')) as {
      runs: { report: string }[];
    };
  const withoutNonce = (html: string) => html.replaceAll(/nonce[-=]"?[\w-]+/g, '');

  beforeEach(() => extension.write(CONFIG));

  it('are those from before', async () => {
    for (const time of ['2026-01-01', '2026-02-01', '2026-03-01']) keepRun(time);
    await extension.command('history.scatter');
    const runs = await runNodes();
    await extension.command('history.compare', runs[0], runs.slice(0, 2));
    await extension.command('history.compare', runs[0], runs);
    for (const [index, view] of ['runs', 'comparison', 'comparison'].entries()) {
      const { title, webview } = editor.panels[index]!;
      const revived = await revive(view, stateIn(webview.html));
      expect(revived.title).toBe(title);
      expect(withoutNonce(revived.webview.html)).toBe(withoutNonce(webview.html));
    }
  });

  it('are those from before where the window was closed too early to keep what they are made from', async () => {
    for (const time of ['2026-01-01', '2026-02-01']) keepRun(time);
    extension.write('.storage/pages.json', 'damaged');
    await extension.command('history.compare', (await runNodes())[0]);
    const { title, webview } = editor.panels[0]!;
    const revived = await revive('comparison', undefined, title);
    expect(withoutNonce(revived.webview.html)).toBe(withoutNonce(webview.html));
  });

  it('are closed where their runs are gone, or nothing was kept', async () => {
    for (const time of ['2026-01-01', '2026-02-01']) keepRun(time);
    await extension.command('history.compare', (await runNodes())[0]);
    const state = stateIn(editor.panels[0]!.webview.html);
    expect((await revive('comparison', state)).isDisposed).toBe(false);
    rmSync(vscode.Uri.parse(state.runs[0]!.report).fsPath);
    expect((await revive('comparison', state)).isDisposed).toBe(true);
    expect((await revive('comparison', undefined)).isDisposed).toBe(true);
    rmSync(join(extension.folder(), '.quantsmith'), { recursive: true });
    expect((await revive('runs', {})).isDisposed).toBe(true);
  });
});

describe('a report', () => {
  const panel = () =>
    editor.panels[0] as unknown as vscode.WebviewPanel & {
      isDisposed: boolean;
      revealed: number;
      focus(): void;
    };
  const serializer = () =>
    editor.registered.get('serializer quantsmith.report') as {
      deserializeWebviewPanel(panel: unknown, state: unknown): Promise<void>;
    };

  beforeEach(() => extension.write(CONFIG));

  it('opens beside its config, once, and leads to settings and explanations', async () => {
    const { overflow } = sampleReport();
    const setting = {
      fix: 'disable',
      half_range: 0,
      at_risk: 1,
      saturating: 0,
      metric: 0.9,
      predicted: null,
    };
    const report = extension.writeReport('net.report.json', CONFIG, {
      overflow: { ...overflow, settings: [setting] },
      warnings: [
        { code: 'layer-collapse', severity: 'warning', message: 'A layer collapsed.', config_path: [] },
      ],
    });
    await extension.open(CONFIG);
    await extension.command('showReport');
    await extension.command('showReport', report);
    expect(editor.panels).toHaveLength(1);
    expect(panel().revealed).toBe(2);
    expect(panel().webview.html).toContain('command:quantsmith.openDocs?');
    expect(panel().webview.html).toContain('command:quantsmith.setOverflowFix?');
    expect(panel().webview.html).toMatch(/<main data-state="\{&#34;file&#34;:/);
    expect(panel().webview.html).toMatch(/script-src 'nonce-[\w-]{20,}'/);
  });

  it('is drawn anew when its file changes, until its panel is closed', async () => {
    const report = extension.writeReport('net.report.json', CONFIG);
    await extension.command('showReport', report);
    extension.writeReport('net.report.json', CONFIG, {
      output: { ...sampleReport().output, path: '/new.onnx' },
    });
    const change = () => {
      for (const listeners of [editor.files.changed, editor.files.created])
        for (const listener of listeners) listener(report);
    };

    change();
    await settled();
    expect(panel().title).toBe('Report: new.onnx');

    extension.write('net.report.json', 'broken');
    change();
    await settled();
    expect(panel().title).toBe('Report: new.onnx');
    await extension.command('showReport', report);
    expect(toldTexts()).toEqual([`${report.fsPath} is not a report that this version can show.`]);
    panel().dispose();
    await extension.command('showReport', report);
    expect(editor.panels).toHaveLength(1);
  });

  it('that has the focus is the one that commands are meant for', async () => {
    const sent: unknown[] = [];
    editor.server = ({ args }) => void sent.push(args[0]);
    const a = extension.writeReport('a.report.json', CONFIG);
    const b = extension.writeReport('b.report.json', 'other.quant.yaml');
    extension.write('other.quant.yaml');
    await extension.command('showReport', a);
    await extension.command('showReport', b);
    editor.active = undefined;
    await extension.command('run');
    editor.active = undefined;
    panel().focus();
    await extension.command('run');
    editor.active = undefined;
    panel().dispose();
    await extension.command('run');
    expect(sent).toEqual([extension.uri('other.quant.yaml').toString(), extension.uri(CONFIG).toString()]);
  });

  it('comes back with its panel after a reload', async () => {
    const report = extension.writeReport('net.report.json', CONFIG);
    const revive = async (title: string, state: unknown) => {
      const revived = createPanel('quantsmith.report', title);
      await serializer().deserializeWebviewPanel(revived, state);
      return revived;
    };

    expect((await revive('', { file: report.toString() })).title).toBe('Report: net.int8.onnx');
    expect((await revive('Report: net.int8.onnx', undefined)).isDisposed).toBe(false);
    expect((await revive('Report: gone.onnx', null)).isDisposed).toBe(true);
    expect((await revive('', { file: extension.write('b.report.json', '{').toString() })).isDisposed).toBe(
      true,
    );
  });

  it('is offered where its config has none, and chosen where no config is in view', async () => {
    await extension.command('showReport');
    answer({ 'has no report yet': 'Run' });
    editor.server = () => undefined;
    await extension.command('showReport', extension.uri(CONFIG));
    editor.active = undefined;
    expect(executed().map(([name]) => name)).toContain('quantsmith.run');

    extension.writeReport('net.report.json', CONFIG);
    keepRun('2026-01-01');
    answer({ 'report to show': 'net.report.json' });
    await extension.command('showReport');
    expect(lastQuestion()?.choices).toEqual(['net.report.json']);
    answer({});
    await extension.command('showReport');
    expect(editor.panels).toHaveLength(1);
    expect(toldTexts().slice(0, 2)).toEqual([
      'There is no report in this workspace yet: quantize a model first.',
      'This config has no report yet: run the quantization first.',
    ]);
  });

  it('of an earlier version names its config by an absolute path or from its folder', async () => {
    extension.writeReport('sub/a.report.json', CONFIG, {
      config: { path: `../${CONFIG}`, sha256: 'a'.repeat(64) },
    });
    await extension.command('showReport', extension.uri(CONFIG));
    expect(editor.panels).toHaveLength(1);
  });

  it('of a view that shows no file is not one', async () => {
    const output = vscode.Uri.from({ scheme: 'output', path: '/log' });
    await extension.command('check', output);
    expect(toldTexts()).toEqual(['Open a quantization config (*.quant.yaml or *.quant.json) first.']);
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { editor, toldTexts, type ServerCommand } from '../../test/kit/editor.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { activeExtension, executed, settled } from './extension.js';

const extension = activeExtension();
const CONFIG = 'net.quant.yaml';
const { restoration, overflow } = sampleReport();
let sent: ServerCommand[];
/** What the server answers, by the last part of a command's name. */
let answers: Record<string, unknown>;

/** The page sends a message; the extension has done what it can with it. */
async function send(message: unknown): Promise<void> {
  (editor.panels[0] as unknown as { say(message: unknown): void }).say(message);
  await settled();
}

describe('the page of a report', () => {
  beforeEach(async () => {
    sent = [];
    answers = {};
    editor.server = (command) => {
      sent.push(command);
      return answers[command.name.split('.').at(-1)!];
    };

    extension.write(CONFIG, 'model: net.onnx\n');
    const report = extension.writeReport('net.report.json', CONFIG, {
      overflow,
      warnings: [{ code: 'x', severity: 'info', message: 'y', config_path: ['model'] }],
      restoration: {
        ...restoration!,
        remedies: [
          { setting: 'preset', value: 'mixed', drop: 0.03, kept: true },
          { setting: 'fast_bias_correction', value: 'false', drop: 0.03, kept: false },
        ],
      },
    });
    await extension.command('showReport', report);
    sent = [];
  });

  it('shows a layer, or what a warning is about, where the config has it', async () => {
    answers['locate'] = { start: { line: 0, character: 0 }, end: { line: 0, character: 5 } };
    await send({ type: 'config', layer: 1 });
    await send({ type: 'warning', warning: 0 });
    expect(sent.map(({ args }) => args[1])).toEqual([{ layer: '/head/Gemm' }, { path: ['model'] }]);
    expect(editor.active?.document.uri.path).toBe(extension.uri(CONFIG).path);
    expect(editor.active?.selection.end).toEqual({ line: 0, character: 5 });
  });

  it('changes a layer, and shows it in the model where something can', async () => {
    answers['changeLayer'] = [
      { range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }, newText: '' },
    ];
    await send({ type: 'change', change: 'half_range', layer: 0 });
    expect(executed()).toContainEqual([
      'quantsmith.changeLayer',
      extension.uri(CONFIG).toString(),
      '/stem/Conv',
      'half_range',
    ]);
    editor.commands.set('quantsmith.revealInModel', () => undefined);
    await send({ type: 'model', layer: 0 });
    expect(executed().at(-1)).toEqual(['quantsmith.revealInModel', 'file:///models/net.onnx', '/stem/Conv']);
  });

  it('takes a state with the settings that were kept, or a setting alone', async () => {
    answers['takeState'] = [
      { range: { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } }, newText: 'new: 1\n' },
    ];
    await send({ type: 'state', step: 0 });
    await send({ type: 'remedy', remedy: 1 });
    const preset = { path: ['quantization', 'preset'], value: 'mixed' };
    const bias = { path: ['quantization', 'fast_bias_correction'], value: false };
    expect(sent.map(({ args }) => args[1])).toEqual([
      { float: ['/head/Gemm'], integer: ['/stem/Conv'], settings: [preset] },
      { float: [], integer: [], settings: [bias] },
    ]);
    expect(editor.active?.document.getText()).toContain('model: net.onnx\nnew: 1\n');
  });

  it('changes a config once where a button is pressed twice, and asks anew where somebody types meanwhile', async () => {
    await extension.open(CONFIG);
    const document = editor.active!.document;
    const insertion = { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } };
    editor.server = async (command) => {
      sent.push(command);
      const edits = document.getText().includes('new: 1') ? [] : [{ range: insertion, newText: 'new: 1\n' }];
      await settled();
      return edits;
    };

    const page = editor.panels[0] as unknown as { say(message: unknown): void };
    page.say({ type: 'state', step: 0 });
    page.say({ type: 'state', step: 0 });
    await vi.waitFor(() => expect(sent).toHaveLength(3));
    await settled();
    expect(document.getText()).toBe('model: net.onnx\nnew: 1\n');
  });

  it('is exported where the user says', async () => {
    const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 5 } };
    answers['reportFindings'] = {
      findings: [
        { code: 'run-warning', severity: 'info', message: 'y', range, data: { warning: 'x' } },
        { code: 'accuracy-kept', severity: 'info', message: 'z', range: null },
      ],
    };
    const saved = (name: string) => join(extension.folder(), name);
    editor.answer = ({ text }) => (text.startsWith('save net.report') ? saved(text.slice(5)) : undefined);
    await send({ type: 'export', format: 'html' });
    await send({ type: 'export', format: 'markdown' });
    await send({ type: 'export', format: 'sarif' });
    await send({ type: 'picture', name: 'x', png: 'AAEC' });
    const html = readFileSync(saved('net.report.html'), 'utf8');
    // A file has no buttons, and keeps nothing of this machine.
    expect(html).not.toMatch(/<button|<main data/);
    expect(readFileSync(saved('net.report.md'), 'utf8')).toContain('**Target met**');
    const { runs } = JSON.parse(readFileSync(saved('net.report.sarif'), 'utf8')) as {
      runs: { results: { ruleId: string; locations: unknown }[] }[];
    };
    expect(runs[0]?.results.map(({ ruleId }) => ruleId)).toEqual(['x', 'accuracy-kept']);
    expect(JSON.stringify(runs[0]?.results[0]?.locations)).toContain(`"uri":"${CONFIG}"`);
    expect([...readFileSync(saved('net.report.png'))]).toEqual([0, 1, 2]);
    editor.answer = () => undefined;
    await send({ type: 'export', format: 'html' });
  });

  it('can ask for nothing that is not there', async () => {
    for (const message of [
      null,
      'x',
      {},
      { type: 'other' },
      { type: 'config', layer: 99 },
      { type: 'change', change: 'exclude', layer: -1 },
      { type: 'state', step: 7 },
      { type: 'remedy', remedy: 7 },
      { type: 'warning', warning: 7 },
    ])
      await send(message);
    expect(sent).toEqual([]);
    expect(toldTexts()).toEqual([]);
    expect(existsSync(join(extension.folder(), 'net.report.html'))).toBe(false);
  });

  it('says what the server refuses', async () => {
    editor.server = () => Promise.reject(new Error('It is not open.'));
    await send({ type: 'config', layer: 0 });
    await send({ type: 'state', step: 0 });
    expect(toldTexts()).toEqual(['It is not open.', 'The setting could not be written: It is not open.']);
  });
});

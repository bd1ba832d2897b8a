import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { editor, toldTexts, type Question, type ServerCommand } from '../../test/kit/editor.js';
import { activeExtension, answer, executed, lastQuestion, serverAnswers } from './extension.js';

const extension = activeExtension();

describe('a new config', () => {
  it('is written beside the model that is chosen', async () => {
    for (const name of ['net.onnx', 'net.int8.onnx', 'sub/other.onnx']) extension.write(name);
    const sent = serverAnswers({ text: 'model: other.onnx\n' });
    answer({ 'model to quantize': 'sub/other.onnx' });
    const config = await extension.command('newConfig');
    expect(String(config)).toBe(extension.uri('sub/other.quant.yaml').toString());
    expect(lastQuestion()?.choices).toEqual(['net.onnx', 'sub/other.onnx']);
    expect(sent[0]?.args).toEqual([extension.uri('sub/other.onnx').toString(), {}]);
    expect(editor.active!.document.getText()).toBe('model: other.onnx\n');
  });

  it('is the one that is there', async () => {
    const sent = serverAnswers(null);
    extension.write('net.quant.yaml', 'mine: 1\n');
    await extension.command('newConfig', extension.write('net.onnx'));
    expect(editor.active!.document.getText()).toBe('mine: 1\n');
    expect(sent).toEqual([]);
  });

  it('needs a model that can be read', async () => {
    expect(await extension.command('newConfig')).toBeUndefined();
    serverAnswers(new Error('no graph'));
    expect(await extension.command('newConfig', extension.write('net.onnx'))).toBeUndefined();
    expect(await extension.command('newConfig')).toBeUndefined();
    expect(toldTexts()).toEqual([
      'There is no ONNX model in this workspace.',
      'The config could not be created: no graph',
      'The model to quantize',
    ]);
  });
});

describe('from a model to a config', () => {
  /** A server that counts samples; what else is sent to it, and what it answers. */
  const countingServer = (counts: readonly (number | null)[], other: unknown) => {
    const sent: ServerCommand[] = [];
    editor.server = (command) => {
      if (command.name === 'quantsmith.server.samples') return counts.slice(0, command.args.length);
      sent.push(command);
      return other;
    };

    return sent;
  };

  const questions = () => editor.questions.map(({ text, choices }) => [text, choices]);
  const images = (folder: string, count: number) => {
    for (let index = 0; index < count; index++) extension.write(`${folder}/${index}.png`);
  };

  it('asks for data and target, likely folders first', async () => {
    const model = extension.write('models/net.onnx');
    images('models/val/cat', 2);
    images('models/val/dog', 1);
    images('train', 3);
    extension.write('train/labels.csv');
    for (const name of ['a.npy', 'b.npz', 'c.npy', 'd.npy']) extension.write(`arrays/${name}`);
    extension.write('node_modules/x/1.png');
    const sent = countingServer([512, null, null], { text: 'model: net.onnx\n' });
    answer({ calibration: '../train', validation: './val', target: '0.02' });
    await extension.command('quantize', model);

    expect(questions()).toEqual([
      [
        'Quantize 1/3: calibration data',
        [
          '../train: 3 images, labels.csv',
          '../arrays: a.npy (512 samples), b.npz, c.npy, 1 more',
          './val/cat: 2 images',
          './val/dog: 1 image',
          './val: 3 images in 2 class folders',
          'Browse…: another folder',
        ],
      ],
      [
        'Quantize 2/3: validation data',
        [
          './val: 3 images in 2 class folders',
          '../arrays: a.npy (512 samples), b.npz, c.npy, 1 more',
          './val/cat: 2 images',
          './val/dog: 1 image',
          'None: outputs are compared with those of the float model',
          'Browse…: another folder',
        ],
      ],
      [
        'Quantize 3/3: target',
        [
          '0.01: one percentage point: the usual choice',
          '0.005: half a point',
          '0.02: two points',
          '0.05: five points',
          '0: nothing may be lost',
          'Another…: a number of your own',
        ],
      ],
    ]);
    expect(sent[0]?.args[1]).toEqual({
      calibration: { images: '../train', labels: '../train/labels.csv', classFolders: false },
      validation: { images: './val', classFolders: true },
      max_drop: 0.02,
    });
  });

  it('names arrays without their samples where the server does not count them', async () => {
    for (const name of ['a.npy', 'b.npz']) extension.write(`data/${name}`);
    serverAnswers(new Error('no server'));
    answer({ calibration: 'nothing' });
    await extension.command('quantize', extension.write('net.onnx'));
    expect(lastQuestion()?.choices[0]).toBe('./data: a.npy, b.npz');
  });

  it('takes another folder, and no validation', async () => {
    const model = extension.write('net.onnx');
    extension.write('far/away/x.npz');
    extension.write('far/away/below/thumbnail.jpg');
    const sent = countingServer([null], { text: '' });
    editor.answer = ({ kind, text }: Question) =>
      kind === 'folder' ? extension.uri('far/away').fsPath : text.includes('1/3') ? 'Browse…' : 'None';
    await extension.command('quantize', model);
    expect(sent[0]?.args[1]).toEqual({ calibration: { arrays: './far/away/x.npz' } });
  });

  it('takes another target, and says what is none', async () => {
    extension.write('a/1.png');
    extension.write('b/1.png');
    const model = extension.write('net.onnx');
    answer({ calibration: './a', validation: './b' });
    expect(await extension.command('quantize', model)).toBeUndefined();
    const sent = serverAnswers({ text: '' });
    const picked: Record<string, string> = { '1/3': './a', '2/3': './b', '3/3': 'Another…' };
    editor.answer = ({ kind, text }: Question) =>
      kind === 'input' ? '0.03' : Object.entries(picked).find(([step]) => text.includes(step))?.[1];
    await extension.command('quantize', model);
    expect(sent[0]?.args[1]).toMatchObject({ max_drop: 0.03 });
    const { validate } = lastQuestion()!;
    expect(['0', '1', '0.5', '', ' ', '2', '-1', 'x'].map((text) => validate!(text))).toEqual([
      ...[null, null, null],
      ...Array<string>(5).fill('A number from 0 to 1.'),
    ]);
  });

  it.each(['1/3', '2/3'])('ends where the user leaves at %s', async (step) => {
    extension.write('a/1.png');
    editor.answer = ({ kind, text }: Question) =>
      kind === 'folder' ? undefined : text.includes(step) ? 'Browse…' : './a';
    expect(await extension.command('quantize', extension.write('net.onnx'))).toBeUndefined();
    answer({ calibration: step === '1/3' ? 'nothing' : './a' });
    expect(await extension.command('quantize', extension.uri('net.onnx'))).toBeUndefined();
    expect(existsSync(extension.uri('net.quant.yaml').fsPath)).toBe(false);
  });

  it('takes a model from elsewhere where the workspace has none', async () => {
    const sent = countingServer([null], { text: '' });
    editor.answer = ({ kind, text }: Question) => {
      if (kind === 'folder') return text.includes('model') ? '/elsewhere/net.onnx' : extension.folder();
      return text.includes('2/3') ? 'None' : 'Browse…';
    };

    await extension.command('quantize');
    expect(sent[0]?.args[0]).toBe('file:///elsewhere/net.onnx');
  });

  it('opens the config that is there, and needs a model', async () => {
    await extension.command('quantize');
    extension.write('net.quant.yaml', 'mine: 1\n');
    await extension.command('quantize', extension.write('net.onnx').toString());
    expect(toldTexts()).toEqual(['There is no ONNX model in this workspace.']);
    expect(editor.active!.document.getText()).toBe('mine: 1\n');
  });

  it('looks only beside a model outside the workspace', async () => {
    extension.write('models/net.onnx');
    extension.write('data/1.png');
    mkdirSync(extension.uri('work').fsPath);
    editor.folder = extension.uri('work').fsPath;
    await extension.command('quantize', extension.uri('models/net.onnx'));
    expect(questions()).toEqual([['Quantize 1/3: calibration data', ['Browse…: another folder']]]);
  });
});

describe('the example', () => {
  const target = () => join(extension.folder(), 'quantsmith-example');

  it('is copied into a folder and opened there, also a second time', async () => {
    answer({ 'Folder for the example': extension.folder() });
    await extension.command('openExample');
    expect(existsSync(join(target(), 'digits.quant.yaml'))).toBe(true);
    await extension.command('openExample');
    expect(executed().filter(([name]) => name === 'vscode.openFolder')).toHaveLength(2);
    expect(toldTexts()).toEqual(['Folder for the example', 'Folder for the example']);
  });

  it('is not copied where no folder is chosen or it cannot be written', async () => {
    await extension.command('openExample');
    extension.write('file');
    answer({ 'Folder for the example': join(extension.folder(), 'file') });
    await extension.command('openExample');
    expect(lastQuestion()?.text).toMatch(/^The example could not be copied: /);
    expect(executed().map(([name]) => name)).not.toContain('vscode.openFolder');
  });
});

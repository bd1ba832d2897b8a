import { describe, expect, it } from 'vitest';
import { sampleDebug } from '../../test/kit/sampleDebug.js';
import { debugDocument } from '../src/debugDocument.js';
import { debugHtml, debugText } from '../src/index.js';
import { toMarkdown } from '../src/toMarkdown.js';
import { pageText } from './page.js';

const debugMarkdown = (report: Parameters<typeof debugDocument>[0]) => toMarkdown(debugDocument(report));

const flat = (text: string) => text.replace(/ +/g, ' ');

describe('layers beside the float model', () => {
  it('are a page, too', () => expect(pageText(debugHtml(sampleDebug()))).toContain('net.onnx'));

  it('name the layer that loses the signal and why', () => {
    const text = flat(debugText(sampleDebug()));
    expect(text).toContain(
      'net.onnx: Quantized as in the last run; ranges from 300 samples, compared on 16 held-out samples, 2.3 s',
    );
    expect(text).toContain(
      'The signal is lost at /head/Gemm (Gemm): SQNR 31.3 dB before it, 4.5 dB after it. A fifth of its input lies outside of its range.',
    );
  });

  it('name the layer that loses most where none loses the signal', () => {
    const { first } = sampleDebug();
    const text = flat(debugText(sampleDebug({ first: { ...first!, lost: false, before_db: null } })));
    expect(text).toContain('No layer loses the signal. Most is lost at /head/Gemm (Gemm): SQNR – before it');
  });

  it('show the input that rounding hurts most, and a dash for what was not measured', () => {
    const rows = debugMarkdown(sampleDebug()).split('\n');
    expect(rows).toContain('| `/stem/Conv` | Conv | 31.3 dB | 40.0 dB | 50.0 % | 0.1 % | 12.3× | 44.0 dB |');
    expect(rows).toContain('| `/act/Relu` | Relu (float) | 31.3 dB | – | – | – | – | – |');
    expect(rows).toContain(
      '| `/head/Gemm` | Gemm | **4.5 dB** | 40.0 dB | 50.0 % | 0.1 % | 12.3× | 44.0 dB |',
    );
  });

  it('say that there is none where only bodies are quantized', () => {
    const text = flat(debugText(sampleDebug({ layers: [], first: null })));
    expect(text).toContain('There is no layer to compare');
    expect(text).not.toContain('Layer Operator');
  });

  it('say what the settings are without a run, and which files were written', () => {
    const report = sampleDebug({
      ...{ settings: 'defaults', in_sample: true, samples: 1, first: null, saved: ['a.npy', 'b.png'] },
      layers: [{ ...sampleDebug().layers[0]!, inputs: [sampleDebug().layers[0]!.inputs[0]!] }],
    });
    const text = flat(debugText(report));
    expect(text).toContain('This config has not been run yet: what it leaves open takes the fixed defaults');
    expect(text).toContain('compared on 1 calibration sample');
    expect(text).toContain('2 files written.');
    expect(text).not.toContain('lost at');
    expect(text).toContain('No layer differs from the float model.');
    expect(debugMarkdown(report)).toContain('| 100.0 % | 0.0 % | – | 44.0 dB |');
  });
});

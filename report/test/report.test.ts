import { validateReport } from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { reportHtml, reportMarkdown, reportText } from '../src/index.js';
import { layer, sampleReport } from '../../test/kit/sampleReport.js';
import { pageText } from './page.js';

const flat = (text: string) => text.replace(/ +/g, ' ');

describe('reading a report', () => {
  it('accepts what the schema accepts', () => {
    expect(validateReport(sampleReport())).toEqual([]);
  });
});

describe('the verdict', () => {
  const first = (change: Parameters<typeof sampleReport>[0]) =>
    flat(reportText(sampleReport(change))).split('\n\n')[1];
  it('comes first, with what was lost and gained', () => {
    expect(first({})).toBe(
      'Target met: drop 0.50 points, size 4.00 times smaller, speed 2.00 times as fast, in float 1 of 2 operators',
    );
    expect(reportMarkdown(sampleReport())).toContain('**Target met**: drop 0.50 points, size');
    expect(pageText(reportHtml(sampleReport()))).toMatch(
      /Target met drop 0\.50 points 95 % interval -0\.50 points to 1\.50 points; 1\.00 points allowed size 4\.00 times smaller 80\.0 kB → 20\.0 kB/,
    );
  });
  it('is honest', () => {
    const metric = sampleReport().metric!;
    const damaged = { code: 'output-damaged', severity: 'error' as const, message: 'Bad.', config_path: [] };
    expect(first({ metric: { ...metric, satisfied: false } })).toMatch(/^Target missed: /);
    expect(first({ warnings: [damaged] })).toMatch(/^Not trustworthy: /);
    expect(first({ metric: { ...metric, satisfied: null } })).toMatch(/^No target set: drop/);
    expect(first({ metric: null, latency_ms: null })).toBe(
      'Accuracy not measured: size 4.00 times smaller, in float 1 of 2 operators',
    );
  });
});

describe('chosen settings', () => {
  it('stand with what they were measured against', () => {
    const choices = [
      {
        setting: 'preset',
        value: 'mixed',
        sqnr_db: 24.04,
        samples: 16,
        held_out: true,
        over: [
          { value: 'performance', sqnr_db: 22.96, metric: null },
          { value: 'other', sqnr_db: null, metric: 0.5 },
        ],
        seconds: 1,
      },
    ];
    const text = flat(reportText(sampleReport({ choices })));
    expect(text).toContain(
      'preset mixed 24.0 dB performance (23.0 dB); other (top1 50.00 %) 16 samples, held out',
    );
  });
});

describe('changes go the way they are named', () => {
  it('a model that became larger and slower is not called smaller and fast', () => {
    const { size, latency_ms: latency } = sampleReport();
    const text = flat(
      reportText(
        sampleReport({
          size: { ...size, ratio: 0.5 },
          latency_ms: { ...latency!, speedup: 0.25 },
        }),
      ),
    );
    expect(text).toContain('2.00 times larger');
    expect(text).toContain('4.00 times slower');
  });
  it('a model of which nothing is quantized says so', () => {
    const none = { ...layer(), quantized: false, kernel: null };
    expect(flat(reportText(sampleReport({ layers: [none] })))).toContain('none quantized, 1 in float');
  });
});

describe('findings', () => {
  const CODES = [
    'output-damaged',
    'layer-collapse',
    'float-accuracy-implausible',
    'samples-alike',
    'calibration-clipped',
    'accuracy-not-measured',
    'slower-than-float',
    'not-verified',
    'float-ambiguous',
  ];
  const warnings = CODES.map((code) => ({
    code,
    severity: 'warning' as const,
    message: `This is what ${code} says.`,
    config_path: [],
  }));
  it('stand in every format alike, with their code and all of their text', () => {
    const report = sampleReport({ warnings });
    for (const text of [reportText(report), reportMarkdown(report), pageText(reportHtml(report))]) {
      const found = flat(text.replace(/[`\n]/g, ' '));
      for (const { message } of warnings) expect(found.replace(/&#45;/g, '-')).toContain(message);
      for (const code of CODES) expect(found).toContain(code);
    }
  });
});

describe('what every format states', () => {
  const formats = {
    table: (change?: Parameters<typeof sampleReport>[0]) => reportText(sampleReport(change)),
    markdown: (change?: Parameters<typeof sampleReport>[0]) => reportMarkdown(sampleReport(change)),
    html: (change?: Parameters<typeof sampleReport>[0]) => pageText(reportHtml(sampleReport(change))),
  };
  for (const [format, write] of Object.entries(formats)) {
    const text = (change?: Parameters<typeof sampleReport>[0]) =>
      write(change)
        .replace(/[*|`]/g, ' ')
        .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
        .replace(/ +/g, ' ');
    it(`${format}: accuracy, the drop with its interval, size and latency`, () => {
      const found = text();
      expect(found).toContain('top1, float 98.00 % on 600 samples');
      expect(found).toContain('top1, int8 before restoration 93.00 %');
      expect(found).toMatch(/drop 0\.50 points of 1\.00 points allowed, ?target met/);
      expect(found).toContain('(95 % interval -0.50 points to 1.50 points: the drop is within the noise');
      expect(found).toContain('size 80.0 kB → 20.0 kB (4.00 times smaller)');
      expect(found).toContain('latency 2.00 ms → 1.00 ms (2.00 times as fast, median of 50)');
    });
    it(`${format}: the curve, its states, and what each changed`, () => {
      const found = text();
      expect(found).toContain('From 5.00 points with none in float to 0.50 points with 1.');
      expect(found).toMatch(/int8 0 93\.00 % 5\.00 points/);
      expect(found).toMatch(/1 1 95\.00 % 3\.00 points \+ \/head\/Gemm/);
      expect(found).toMatch(/2 1 97\.50 % 0\.50 points \+ \/stem\/Conv ?, − \/head\/Gemm/);
    });
    it(`${format}: each layer with its noise`, () => {
      expect(text()).toMatch(/\/stem\/Conv – Conv float \(restored\)/);
      expect(text()).toMatch(/\/head\/Gemm 12\.3 dB █* ?Gemm QGemm 8 bits per channel/);
      expect(text()).toContain('The lowest is /head/Gemm with 12.3 dB.');
    });
    it(`${format}: a relative drop in percent, a metric that is no share in its own unit`, () => {
      const metric = {
        ...sampleReport().metric!,
        name: 'mse',
        higher_is_better: false,
        baseline: 0.5,
        quantized_initial: 0.6,
        quantized: 0.55,
        drop: 0.1,
        drop_type: 'relative' as const,
        satisfied: false,
        max_drop: 0.05,
        ci95: [0.06, 0.2] as [number, number],
      };
      const found = text({ metric });
      expect(found).toContain('mse, float 0.50000 on 600 samples');
      expect(found).toMatch(/drop 10\.00 % of 5\.00 % allowed, ?target missed/);
      expect(found).toContain('From 20.00 % with none in float');
      expect(found).not.toContain('within the noise');
    });
    it(`${format}: a float model that misses the target itself`, () => {
      const metric = { ...sampleReport().metric!, drop: -0.0005, max_drop: -0.0189, satisfied: false };
      expect(text({ metric })).toMatch(/drop -0\.05 points, a gain of 1\.89 points needed, ?target missed/);
    });
    it(`${format}: a miss that the samples cannot tell from the target`, () => {
      const metric = { ...sampleReport().metric!, drop: 0.012, satisfied: false };
      expect(text({ metric })).toContain('the excess is within the noise of the samples');
    });
    it(`${format}: how close an output with an offset comes about its mean`, () => {
      const about = (sqnr_about_mean_db: number | null) =>
        text({ outputs: [{ ...sampleReport().outputs[0]!, sqnr_db: 73, sqnr_about_mean_db }] });
      expect(about(28.8)).toContain('SQNR 73.0 dB (28.8 dB about its mean), cosine');
      expect(about(66)).toContain('SQNR 73.0 dB, cosine');
      expect(about(null)).toContain('SQNR 73.0 dB, cosine');
    });
    it(`${format}: how close the outputs come, and that the model was checked`, () => {
      const found = text();
      expect(found).toMatch(
        /output scores SQNR 24\.5 dB, cosine 0\.9980, largest value agrees in 98\.5 %, against float on 16 held-out samples/,
      );
      const inSample = { ...sampleReport().verified!, in_sample: true };
      expect(text({ verified: inSample })).toContain(
        'on 16 calibration samples (in-sample: unseen ones can be worse)',
      );
      expect(found).toContain('self-check the runtime computes what was intended');
      const outputsAlone = { ...sampleReport().verified!, operators_compared: false };
      expect(text({ verified: outputsAlone })).toContain(
        'what was intended, judged by the outputs: not all operators were compared',
      );
      const verified = { ...sampleReport().verified!, passed: false };
      const unfit = [{ name: '/head/Gemm', op: 'Gemm', codes: 10, different: 9, largest: 255 }];
      expect(text({ verified: { ...verified, unfit } })).toMatch(
        /self-check not verified ?: other codes than intended in \/head\/Gemm/,
      );
    });
    it(`${format}: a distance from float as such, not as a drop from a float model that is equal to itself`, () => {
      const sqnr = {
        name: 'sqnr',
        baseline: 200,
        quantized_initial: 10,
        quantized: 10,
        drop: 190,
        max_drop: null,
        satisfied: null,
        ci95: null,
      };
      const found = text({ metric: { ...sampleReport().metric!, ...sqnr }, restoration: null });
      expect(found).toContain('sqnr against float 10.000 on 600 samples');
      expect(found).not.toMatch(/200\.00|190/);
      const asked = { ...sqnr, target: 8, max_drop: 192, satisfied: true };
      expect(text({ metric: { ...sampleReport().metric!, ...asked }, restoration: null })).toMatch(
        /target at least 8\.0000, ?target met/,
      );
    });
    it(`${format}: a damaged output stands above every figure, and no target is met over it`, () => {
      const message = 'The output "scores" is damaged by quantization: SQNR 0.1 dB.';
      for (const code of ['output-damaged', 'float-accuracy-implausible']) {
        const found = text({ warnings: [{ code, severity: 'error', message, config_path: [] }] });
        expect(found).not.toContain('target met');
        expect(found).toMatch(/of 1\.00 points allowed, ?not trustworthy/);
        const first = found.indexOf('SQNR 0.1 dB');
        expect(first).toBeGreaterThan(0);
        expect(first).toBeLessThan(found.indexOf('top1, float'));
      }

      const doubtful = { code: 'output-damaged', severity: 'warning' as const, message, config_path: [] };
      expect(text({ warnings: [doubtful] })).toContain('target met');
    });
    it(`${format}: warnings, layers whose sums can saturate, the prediction for another CPU`, () => {
      const found = text({
        warnings: [
          { code: 'not-supported-yet', severity: 'warning', message: 'No effect.', config_path: [] },
        ],
        overflow: {
          fix: 'disable',
          layers: [
            {
              name: '/head/Gemm',
              op: 'Gemm',
              half_range: false,
              pairs_at_risk: 1234,
              outputs: 10,
              outputs_at_risk: 7,
              saturating_fraction_calibration: 0.00123,
              saturation_sqnr_db: 31.25,
              worst_case_exceeds: 1.98,
            },
            {
              name: '/safe/Gemm',
              op: 'Gemm',
              half_range: true,
              pairs_at_risk: 0,
              saturating_fraction_calibration: null,
              worst_case_exceeds: 0.4,
            },
            {
              ...{ name: '/depthwise/Conv', op: 'Conv', half_range: false, pairs_at_risk: 0 },
              ...{ unaffected: 'depthwise', saturating_fraction_calibration: 0, worst_case_exceeds: null },
            },
          ],
          predicted: { isa: 'avx2', metric: 0.9, drop: 0.08 },
          settings: [
            { fix: 'enable', half_range: 2, at_risk: 0, saturating: 0, metric: 0.97, predicted: null },
          ],
        },
      });
      expect(found).toContain('No effect. not-supported-yet');
      expect(found).toContain('16-bit sums can saturate in 1 of 3 layers');
      expect(found).toContain('Not affected: 1 layer (depthwise, whose kernel adds in 32 bits).');
      expect(found).toMatch(/\/head\/Gemm Gemm 1,234 7 of 10 198 % 0\.123 % 31\.3 dB/);
      expect(found).toMatch(/enable 2 0 0 97\.00 % –/);
      expect(found).not.toContain('/safe/Gemm');
      expect(found).toContain('top1, int8 on avx2 90.00 % predicted, drop 8.00 points');
    });
    it(`${format}: nothing of what a run did not measure`, () => {
      const found = text({
        metric: null,
        latency_ms: null,
        restoration: null,
        layers: [layer({ sqnr_db: null })],
      });
      expect(found).not.toMatch(/top1|latency|Restoration|null|undefined|NaN|Infinity/);
    });
  }
});

describe('what each operator saves', () => {
  it('comes from states that differ in it alone, those of the final model first', () => {
    const step = (reverted: string[], drop: number, iteration = 1) => ({
      iteration,
      reverted,
      metric: 0.9,
      drop,
    });
    const text = reportText(
      sampleReport({
        restoration: {
          ...sampleReport().restoration!,
          steps: [
            step(['/a'], 0.04),
            step(['/a', '/b'], 0.03),
            step(['/b', '/c', '/a'], 0.005),
            step(['/c', '/b'], 0.025),
            step(['/x', '/y'], 0.001),
          ],
          reverted: ['/a', '/b', '/c'],
        },
      }),
    );
    const table = text.slice(text.indexOf('What an operator saves')).split('\n\n')[0]!.split('\n').slice(2);
    // /c: {a, b} and {a, b, c}; /a: {b, c} and {a, b, c}, not the first step; /b: {a} and {a, b}.
    expect(table.map((line) => line.split(/ {2,}/))).toEqual([
      ['/c', '3.00 points', '0.50 points', '2.50 points'],
      ['/a', '2.50 points', '0.50 points', '2.00 points'],
      ['/b', '4.00 points', '3.00 points', '1.00 points'],
    ]);
  });
  it('counts operators that go back together as one', () => {
    const candidate = (operators: string[]) => ({ operators, output_error: 0.0123, drop_alone: null });
    const restoration = {
      ...sampleReport().restoration!,
      steps: [
        { iteration: 1, reverted: ['/a', '/b', '/c'], metric: 0.97, drop: 0.01 },
        { iteration: 2, reverted: ['/c'], metric: 0.95, drop: 0.03 },
      ],
      reverted: ['/a', '/b', '/c'],
      candidates: [candidate(['/c']), candidate(['/a', '/b'])],
    };
    const text = reportText(sampleReport({ restoration })).replace(/ {2,}/g, '  ');
    expect(text).toContain('/a, /b  3.00 points  1.00 points  2.00 points\n');
    expect(text).toContain('Candidates\n');
    expect(text).toContain('/a, /b  0.0123  –\n');
  });
  it('tells how operators were ranked only where they were', () => {
    const effort = (more: object) =>
      /2 full validations[^.]*\./.exec(
        reportText(sampleReport({ restoration: { ...sampleReport().restoration!, ...more } })),
      )?.[0];
    const seen = { operators: ['/stem/Conv'], output_error: 0.1, drop_alone: null };
    expect(effort({})).toBe('2 full validations, operators ranked on 300 samples.');
    expect(effort({ candidates: [seen] })).toBe('2 full validations, operators ranked on 300 samples.');
    expect(effort({ ranking_samples: 0, candidates: [] })).toBe('2 full validations.');
    expect(effort({ candidates: [{ ...seen, output_error: null }] })).toBe('2 full validations.');
  });

  it('says nothing of errors of the outputs where candidates went by their drops', () => {
    const candidates = [{ operators: ['/c'], output_error: null, drop_alone: 0.02 }];
    const restoration = { ...sampleReport().restoration!, candidates };
    const text = reportText(sampleReport({ restoration })).replace(/ {2,}/g, '  ');
    expect(text).toContain('/c  2.00 points\n');
    expect(text).not.toContain('Error of the outputs');
  });
  it('counts candidates whose turn did not come, and does not list them', () => {
    const candidates = [0.02, null, null].map((drop, index) => ({
      operators: [`/unit${index}`],
      output_error: null,
      drop_alone: drop,
    }));
    const restoration = { ...sampleReport().restoration!, candidates };
    const text = reportText(sampleReport({ restoration })).replace(/ {2,}/g, '  ');
    expect(text).toContain('closest to changing. 2 more were not looked at alone.');
    expect(text).toContain('/unit0  2.00 points\n');
    expect(text).not.toContain('/unit1');
  });
  it('is left out where no two states tell it', () => {
    const steps = [{ iteration: 1, reverted: ['/a', '/b'], metric: 0.97, drop: 0.01 }];
    const restoration = { ...sampleReport().restoration!, steps, reverted: ['/a', '/b'] };
    expect(reportText(sampleReport({ restoration }))).not.toContain('What an operator saves');
  });
});

describe('settings that were tried before float', () => {
  it('stand with their drop; what was kept is in the summary', () => {
    const remedies = [
      { setting: 'preset', value: 'mixed', drop: 0.02, kept: true },
      { setting: 'fast_bias_correction', value: 'false', drop: null, kept: false },
    ];
    const text = flat(
      reportText(sampleReport({ restoration: { ...sampleReport().restoration!, remedies } })),
    );
    expect(text).toContain('settings changed preset: mixed\n');
    expect(text).toContain('preset mixed 2.00 points kept\n');
    expect(text).toContain('fast_bias_correction false – not kept\n');
    expect(reportText(sampleReport())).not.toContain('settings');
  });
});

describe('what a search for an objective has found', () => {
  it('is called the fastest only where no other figure says otherwise', () => {
    const point = (latency: number, chosen: boolean) => ({
      ...{ settings: '', float_operators: [], metric: 0.97, drop: 0, satisfied: true, size_bytes: 10 },
      ...{ latency_ms: latency, on_front: true, chosen },
    });
    const said = (...points: ReturnType<typeof point>[]) => {
      const search = { max_drop: 0.01, satisfied: true, time_limit: null, time_limited: false };
      const objective = { minimize: 'latency' as const, ...search, candidates: [], points };
      return flat(reportText(sampleReport({ objective })));
    };

    expect(said(point(1, true), point(2, false))).toContain('The fastest of 2 measured models');
    expect(said(point(1, true), point(0.99, false))).toContain(
      'None of 2 measured models whose drop is allowed is faster than it by more than chance.',
    );
  });
});

describe('many names', () => {
  it('are cut in a line, with their number, and stand whole in the table of layers', () => {
    const all = Array.from({ length: 40 }, (_, index) => `/layer/${index}`);
    const text = reportText(
      sampleReport({
        layers: all.map((name) => layer({ name, quantized: false, restored: true, kernel: null })),
        restoration: {
          ...sampleReport().restoration!,
          steps: [{ iteration: 1, reverted: all, metric: 0.97, drop: 0.01 }],
          reverted: all,
        },
      }),
    );
    expect(text).toContain('/layer/7 and 32 more (2 validations)');
    expect(text).toContain('+ /layer/7 and 32 more\n');
    expect(text).toMatch(/^\/layer\/39 .*float \(restored\)/m);
  });
});

describe('the terminal table', () => {
  it('aligns columns and draws bars that say 60 dB at full length', () => {
    const text = reportText(
      sampleReport({ layers: [layer({ sqnr_db: 60 }), layer({ name: '/b', sqnr_db: 5 })] }),
    );
    const lines = text.split('\n').filter((line) => line.includes('QLinearConv'));
    expect(lines.map((line) => line.indexOf('QLinearConv'))).toEqual([45, 45]);
    // The worst first.
    expect(lines[0]).toMatch(/^\/b .* {2}5\.0 dB █ +Conv/);
    expect(lines[1]).toMatch(/ 60\.0 dB █{12} +Conv/);
  });
  it('colours the verdict where it may', () => {
    const tagged = (tag: string) => (text: string) => `<${tag}>${text}</${tag}>`;
    const paint = { strong: tagged('b'), good: tagged('good'), bad: tagged('bad'), quiet: tagged('i') };
    expect(reportText(sampleReport(), paint)).toContain('<good>target met</good>');
    expect(reportText(sampleReport())).not.toContain('\u001b');
  });
});

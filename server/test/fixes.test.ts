import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CodeAction, CreateFile, TextDocumentEdit } from 'vscode-languageserver-protocol';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { valueOf } from '../../service/src/document/tree.js';
import { NOTHING_INHERITED, type Inherited } from '../../service/src/extends/inherit.js';
import { mergeConfigs } from '../../service/src/extends/merge.js';
import { layerActions, type LayerActionContext } from '../../service/src/features/layerActions.js';
import { withDefaults, withoutDefaults } from '../../service/src/features/rewrite.js';
import { facts, listingsOf } from '../../test/kit/facts.js';
import { findAll, FIXES, fixesOf, type RuleContext } from '../../service/src/rules/all.js';
import { inMemory } from '../../test/kit/lspClient.js';
import { applied, config, type Language } from '../../test/kit/configs.js';
import { base, CASES, quantization, scope, type Mapping, type Value } from './fixCases.js';
import { CASES_OF_RUNS, OF_A_RUN } from './fixCasesOfRuns.js';

const NOTHING: RuleContext = { baseDir: null, model: null, modelProblem: null, report: null, changed: null };

/** How a config is written. */
interface Style {
  language: Language;
  indent: number;
  eol: string;
  comment: boolean;
  quote: '' | '"' | "'";
}
const style: fc.Arbitrary<Style> = fc.record({
  language: fc.constantFrom<Language>('yaml', 'json'),
  indent: fc.integer({ min: 1, max: 6 }),
  eol: fc.constantFrom('\n', '\r\n'),
  comment: fc.boolean(),
  quote: fc.constantFrom<'' | '"' | "'">('', '"', "'"),
});

function printed(value: Mapping, how: Style): string {
  if (how.language === 'json') {
    const text = JSON.stringify(value, null, how.indent);
    return `${how.comment ? text.replace('{', '{ // note') : text}\n`.replaceAll('\n', how.eol);
  }

  const scalar = (leaf: Value) =>
    typeof leaf !== 'string'
      ? JSON.stringify(leaf)
      : how.quote === "'"
        ? `'${leaf.replaceAll("'", "''")}'`
        : how.quote === '"' || !/^[A-Za-z/.][\w/.]*$/.test(leaf)
          ? JSON.stringify(leaf)
          : leaf;
  const lines = (mapping: Mapping, level: number): string[] =>
    Object.entries(mapping).flatMap(([key, child]) => {
      const space = ' '.repeat(how.indent * level);
      const note = how.comment ? ` # about ${key}` : '';
      if (Array.isArray(child) && child.length === 0) return [`${space}${key}: []${note}`];
      if (Array.isArray(child))
        return [
          `${space}${key}:${note}`,
          ...child.map((item) => `${space}${' '.repeat(how.indent)}- ${scalar(item)}${note}`),
        ];
      if (typeof child === 'object' && child !== null)
        return [`${space}${key}:${note}`, ...lines(child, level + 1)];
      return [`${space}${key}: ${scalar(child)}${note}`];
    });
  return `${lines(value, 0).join(how.eol)}${how.eol}`;
}

describe('property: a fix takes the problem away and nothing else, in every style', () => {
  it.each([...CASES, ...CASES_OF_RUNS])(
    '$code: $title',
    ({ code, before, title, after, context, preferred }) => {
      fc.assert(
        fc.property(style, (how) => {
          const document = config(printed(before, how), how.language);
          expect(valueOf(document.tree)).toEqual(before);
          const around = { ...NOTHING, ...context };
          const found = findAll(document, around).findings.find((one) => one.code === code)!;
          const fixes = fixesOf(document, { ...found, data: found.data ?? {} });
          const fix = fixes.find((one) => title.test(one.title));
          if (fix === undefined) throw new Error(`no such fix: ${fixes.map((one) => one.title).join(', ')}`);
          expect(fix.preferred).toBe(preferred === true);
          const text = applied(document, fix.edits);
          const result = config(text, how.language);
          expect(valueOf(result.tree), text).toEqual(after);
          if (how.eol === '\r\n') expect(text.replaceAll('\r\n', '')).not.toContain('\n');
          // Comments stay, but for those of what is taken out.
          const words = (one: typeof document) => one.tree.comments.map((comment) => comment.text);
          const removed = /Remove/.test(fix.title);
          if (!removed) expect(words(result)).toEqual(expect.arrayContaining(words(document)));
          if (OF_A_RUN.test(code)) return;
          const same = findAll(result, around).findings.filter(
            (one) => one.code === code && one.path.join('.') === found.path.join('.'),
          );
          expect(same).toEqual([]);
        }),
        { numRuns: 60 },
      );
    },
  );

  it('a key that stands twice', () => {
    for (const [text, language] of [
      ['model: a # first\nmodel: b # second\ndata: {}\n', 'yaml'],
      ['{"model": "a", "model": "b", "data": {}}', 'json'],
    ] as const) {
      const document = config(text, language);
      const found = findAll(document, NOTHING).findings.find((one) => one.code === 'duplicate-key')!;
      const [fix] = fixesOf(document, { ...found, data: {} });
      expect(valueOf(config(applied(document, fix!.edits), language).tree)).toEqual({ model: 'a', data: {} });
    }
  });

  it.each([
    ['unknown-anchor', 'a: &pre 1\nb: *pree # x\n', 'a: &pre 1\nb: *pre # x\n'],
    ['yaml-version', 'model: no # x\ndata: {}\n', 'model: "no" # x\ndata: {}\n'],
    ['yaml-version', 'model: m\nlimit: 010\n', 'model: m\nlimit: 10\n'],
    ['extends-cycle', '# one\nextends: a.yaml # two\nmodel: m\n', '# one\nmodel: m\n'],
    ['model-missing', "model: 'modle.onnx' # x\n", "model: 'model.onnx' # x\n"],
    [
      'file-missing',
      'model: model.onnx\ndata: {calibration: {arrays: ./dta.npy, limit: 3}}\n',
      'model: model.onnx\ndata: {calibration: {arrays: ./data.npy, limit: 3}}\n',
    ],
    ['extends-missing', 'extends: bse.yaml\n', 'extends: base.yaml\n'],
    ['syntax', 'model a.onnx # x\ndata: {}\n', 'model: a.onnx # x\ndata: {}\n'],
    ['syntax', 'data:\n  calibration\n    images: x\n', 'data:\n  calibration:\n    images: x\n'],
    ['output-unusable', 'model: m\noutput: build/a.onnx # x\n', 'model: m\noutput: a.onnx # x\n'],
    ['output-unusable', 'model: m\noutput: build/\n', 'model: m\n'],
  ] as const)('%s: %j', (code, before, after) => {
    const folder = '/project';
    const there = facts({
      kinds: new Map(['modle.onnx', 'dta.npy', 'bse.yaml'].map((name) => [join(folder, name), 'missing'])),
      listings: listingsOf(folder, ['model.onnx', 'data.npy', 'base.yaml']),
    });
    const problem =
      code === 'extends-cycle' || code === 'extends-missing' ? { code, message: '', file: '/x' } : null;
    const around = {
      ...NOTHING,
      baseDir: folder,
      facts: there,
      output: { file: '/project/build/a.onnx', obstacle: 'cannot be written', sharedWith: [] },
      inherited: { ...NOTHING_INHERITED, problem },
    };
    for (const eol of ['\n', '\r\n']) {
      const document = config(before.replaceAll('\n', eol));
      const found = findAll(document, around).findings.find((one) => one.code === code)!;
      const [fix] = fixesOf(document, { ...found, data: found.data ?? {} });
      expect(applied(document, fix!.edits)).toBe(after.replaceAll('\n', eol));
    }
  });

  it('are tried in every code that has them', () => {
    const ofRules = [
      'overflow',
      'rules',
      'rulesOfContext',
      'rulesOfRuns',
      'rulesOfAudio',
      'ruleFixes',
      'choices',
    ];
    const tried = [
      import.meta.url,
      './fixCases.ts',
      './fixCasesOfRuns.ts',
      ...ofRules.map((name) => `../../service/test/${name}.test.ts`),
    ].map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'));
    expect(Object.keys(FIXES).filter((code) => !tried.join('').includes(`'${code}'`))).toEqual([]);
  });

  it('a module that may not run: trust is managed by a command, where it is known to be missing', () => {
    const document = config(
      'model: m.onnx\ndata: {calibration: {loader: load.mjs}}\naccuracy_control: {metric: my.mjs, max_drop: 0.1}\n',
    );
    const blocked = (context: RuleContext) =>
      findAll(document, { ...NOTHING, baseDir: '/folder', ...context }).findings.filter(
        ({ code }) => code === 'modules-blocked',
      );
    expect(blocked({})).toEqual([]);
    expect(blocked({ modulesBlocked: false })).toEqual([]);
    const found = blocked({ modulesBlocked: true });
    expect(found.map(({ start, end }) => document.text.getText().slice(start, end))).toEqual([
      'load.mjs',
      'my.mjs',
    ]);
    const fixes = fixesOf(document, { ...found[0]!, data: found[0]!.data ?? {} });
    expect(fixes.map(({ title, command }) => [title, command])).toEqual([
      ['Manage trust', 'quantsmith.manageTrust'],
    ]);
  });

  it('a missing comma, behind what stands before it', () => {
    for (const text of [
      '{"a": 1 // one\n  "b": [1 2]\n}',
      '{"a": {} /* x */ "b": [1, 2]}',
      '{"a": [1 2, 3]}',
    ]) {
      let document = config(text, 'json');
      for (;;) {
        const found = findAll(document, NOTHING).findings.find((one) => one.code === 'syntax');
        if (found === undefined) break;
        const [fix] = fixesOf(document, { ...found, data: {} });
        expect(fix).toMatchObject({ title: 'Insert a comma', preferred: true });
        document = config(applied(document, fix!.edits), 'json');
      }

      expect(document.text.getText().replaceAll(',', '')).toBe(text.replaceAll(',', ''));
    }

    const document = config('{"a": 1', 'json');
    const found = findAll(document, NOTHING).findings.find((one) => one.code === 'syntax')!;
    expect(fixesOf(document, { ...found, data: {} })).toEqual([]);
  });

  it('a setting that has no effect stays where an alias brings it to another place', () => {
    const range = '{min: {quantile_outlier_prob: 0.1}}';
    const estimators = (first: string, second: string) =>
      config(
        `model: m\ndata: {calibration: {arrays: a}}\nquantization:\n  advanced_parameters:\n    weights_range_estimator_params: ${first}\n    activations_range_estimator_params: ${second}\n`,
      );
    const offered = (document: ReturnType<typeof config>) => {
      const found = findAll(document, NOTHING).findings.find((one) => one.code === 'dead-setting')!;
      return fixesOf(document, { ...found, data: {} }).length;
    };

    expect(offered(estimators(`&r ${range}`, '*r'))).toBe(0);
    expect(offered(estimators(`&r ${range}`, '{}'))).toBe(1);
  });

  it('what others need by its anchor is not taken out', () => {
    const document = config('model: m\nfoo: &a {images: x}\ndata: {calibration: *a}\n');
    const found = findAll(document, NOTHING).findings.find((one) => one.code === 'unknown-key')!;
    expect(fixesOf(document, { ...found, data: {} })).toEqual([]);
  });

  it('a run that is out of date can be made anew', () => {
    const document = config(
      printed(base, { language: 'yaml', indent: 2, eol: '\n', comment: false, quote: '' }),
    );
    const { findings } = findAll(document, { ...NOTHING, report: sampleReport(), changed: 'model' });
    const [fix] = fixesOf(document, { ...findings.find((one) => one.code === 'report-stale')!, data: {} });
    expect(fix).toMatchObject({ title: 'Run quantization', command: 'quantsmith.server.run', edits: [] });
  });

  it('names that are inherited stay when others are excluded', () => {
    const document = config('extends: b.yaml\naccuracy_control: {}\n');
    const inherited: Inherited = {
      layers: [{ file: '/b.yaml', document: config(''), value: scope({ names: ['/add'] }) }],
      value: scope({ names: ['/add'] }),
      problem: null,
    };
    const { findings } = findAll(document, { ...NOTHING, report: sampleReport(), inherited });
    const found = findings.find((one) => one.code === 'accuracy-restored')!;
    const [fix] = fixesOf(document, { ...found, data: found.data! });
    const value = valueOf(config(applied(document, fix!.edits)).tree) as Mapping;
    expect(value['quantization']).toEqual({ ignored_scope: { names: ['/add', '/stem/Conv'] } });
  });
});

it('property: defaults taken out or written out leave what the config means, over what it inherits', () => {
  const settings = fc.record(
    {
      preset: fc.constantFrom('performance', 'mixed'),
      subset_size: fc.constantFrom(300, 7),
      fast_bias_correction: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(settings, settings, style, (own, above, how) => {
      const given: Mapping = { ...base, quantization: { zz: 1, ...own } };
      const value = { quantization: above } as Mapping;
      const inherited: Inherited =
        Object.keys(above).length === 0
          ? NOTHING_INHERITED
          : { layers: [{ file: '/b', document: config(''), value }], value, problem: null };
      const document = config(printed(given, how), how.language);
      const means = (text: string) => {
        const merged = mergeConfigs(value, valueOf(config(text, how.language).tree) as Mapping);
        const {
          preset = 'performance',
          subset_size: size = 300,
          fast_bias_correction: fast = true,
        } = merged['quantization'] as NonNullable<QuantizationConfig['quantization']>;
        return [preset, size, fast];
      };

      const before = means(document.text.getText());
      expect(means(withoutDefaults(document, inherited))).toEqual(before);
      expect(means(withDefaults(document, inherited))).toEqual(before);
    }),
  );
});

describe('on layers', () => {
  const take = (
    text: string,
    language: Language,
    place: string,
    title: RegExp,
    around: Partial<LayerActionContext> = {},
  ) => {
    const document = config(text, language);
    const position = document.text.positionAt(text.indexOf(place) + 1);
    const given = { report: null, changed: null, ignored: [], ...around };
    const found = layerActions(document, position, given).find((one) => title.test(one.title));
    if (found === undefined) return null;
    return valueOf(config(applied(document, found.edit!.changes![document.text.uri]!), language).tree);
  };

  const subgraph = (names: string[]): Mapping =>
    quantization({ ignored_scope: { names, subgraphs: [] }, subset_size: 9 });
  const costly = sampleReport({
    restoration: {
      ...sampleReport().restoration!,
      candidates: [{ operators: ['/stem/Conv'], output_error: null, drop_alone: 0.01 }],
    },
  });

  it('property: one is excluded, or quantized again, and nothing else changes', () => {
    fc.assert(
      fc.property(style, fc.boolean(), (how, some) => {
        const names = some ? ['/add'] : [];
        const text = printed(subgraph(names), how);
        const key = how.language === 'json' ? '"ignored_scope"' : 'ignored_scope:';
        expect(
          take(text, how.language, key, /^Exclude \/stem\/Conv .*\(cost 4\.00 points\)$/, {
            report: costly,
            ignored: names,
          }),
        ).toEqual(subgraph([...names, '/stem/Conv']));
        const both = printed(subgraph(['/add', '/stem/Conv']), how);
        expect(take(both, how.language, '/add', /^Quantize \/add again$/)).toEqual(subgraph(['/stem/Conv']));
      }),
    );
  });

  it('inherited names stay, and what is ignored is not offered again', () => {
    const text =
      'extends: b.yaml\nquantization:\n  ignored_scope:\n    subgraphs: [{inputs: [/x], outputs: []}]\n';
    const after = take(text, 'yaml', '/x', /^Exclude \/x/, { ignored: ['/add'] }) as {
      quantization: Mapping;
    };
    expect(after.quantization['ignored_scope']).toMatchObject({ names: ['/add', '/x'] });
    expect(take(text, 'yaml', '/x', /./, { ignored: ['/x'] })).toBeNull();
    expect(take(text, 'yaml', 'quantization', /./, { report: costly, changed: 'model' })).toBeNull();
  });
});

describe('refactorings', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'quantsmith-fixes-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  it('make the config in the other notation, for clients that can make files', async () => {
    const text = '# head\nmodel: m.onnx # mine\ndata: {calibration: {arrays: a.npy}}\n';
    const uri = pathToFileURL(join(folder, 'x.quant.yaml')).href;
    const workspaceEdit = { documentChanges: true, resourceOperations: ['create' as const] };
    const codeAction = { codeActionLiteralSupport: { codeActionKind: { valueSet: [''] } } };
    const client = await inMemory({
      capabilities: {
        workspace: { workspaceEdit, diagnostics: { refreshSupport: true } },
        textDocument: { diagnostic: {}, codeAction },
      },
    });
    await client.open(uri, text);
    const position = { line: 0, character: 0 };
    const ask = () =>
      client.connection.sendRequest<CodeAction[]>('textDocument/codeAction', {
        textDocument: { uri },
        range: { start: position, end: position },
        context: { diagnostics: [], only: ['refactor'] },
      });
    const action = (await ask()).find(({ title }) => title === 'Convert to JSON (x.quant.json)')!;
    const [create, edit] = action.edit!.documentChanges as [CreateFile, TextDocumentEdit];
    expect(create).toEqual({ kind: 'create', uri: pathToFileURL(join(folder, 'x.quant.json')).href });
    const json = (edit.edits[0] as { newText: string }).newText;
    expect(valueOf(config(json, 'json').tree)).toEqual(base);
    expect(json).toMatch(/\/\/ head[^]*\/\/ mine/);
    const converted = await client.connection.sendRequest('workspace/executeCommand', {
      command: 'quantsmith.server.convert',
      arguments: [uri],
    });
    expect(converted).toEqual({ text: json, fileName: 'x.quant.json' });
    // Nothing is overwritten.
    writeFileSync(join(folder, 'x.quant.json'), '{}');
    expect((await ask()).map(({ title }) => title)).not.toContain('Convert to JSON (x.quant.json)');
    client.connection.dispose();
  });
});

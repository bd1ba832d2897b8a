import type { QuantizationReport } from '@quantsmith/schemas';
import { answerBlocks } from './answers.js';
import { choiceBlocks } from './choices.js';
import type { Block, Cell, Document, Facts, Section, Span, Table } from './document.js';
import { baseName, counted, duration, moment } from './figures.js';
import { layerBlocks } from './layers.js';
import { objectiveBlocks } from './objective.js';
import { overflowBlocks, type ChooseFix } from './overflow.js';
import { restorationBlocks } from './restoration.js';
import { summaryFacts } from './summary.js';
import { verdictBlock } from './verdict.js';

interface DocumentOptions {
  readonly first?: 'verdict' | 'overflow';
  readonly chooseFix?: ChooseFix;
  readonly explain?: (code: string) => string;
  /** Whether the page has a host that takes messages: it gets buttons. */
  readonly hosted?: boolean;
}

/**
 * Everything that a report tells a person, in the order of importance; `first`: with the comparison of overflow fixes
 * first, for who has just asked for it.
 */
export function reportDocument(
  report: QuantizationReport,
  { first = 'verdict', chooseFix, explain, hosted = false }: DocumentOptions = {},
): Document {
  const { metric, objective, restoration, runtime } = report;
  const overflow = section('Overflow of 16-bit sums', overflowBlocks(report, chooseFix), true);
  return {
    title: 'Quantization report',
    subtitle: `${baseName(report.output.path)}, ${moment(report.created)}, ${runtime.name} ${runtime.version} on ${runtime.cpu.model}, ${counted(runtime.threads, 'thread')}`,
    blocks: [
      ...(first === 'overflow' ? overflow : []),
      verdictBlock(report),
      ...(hosted ? [EXPORTS] : []),
      summaryFacts(report),
      ...section('Warnings', warnings(report, { explain, hosted })),
      ...section('Chosen settings', choiceBlocks(report)),
      ...(metric === null || objective === null
        ? []
        : section('Objective', objectiveBlocks(metric, objective))),
      ...(metric === null || restoration === null
        ? []
        : section('Restoration', restorationBlocks(metric, restoration, hosted))),
      ...(metric === null ? [] : section('Answers', answerBlocks(report.answers, metric.name), true)),
      ...section('Layers', layerBlocks(report.layers), true),
      ...(first === 'overflow' ? [] : overflow),
      ...section('Run', [provenance(report), timings(report)], true),
    ],
  };
}

function section(title: string, blocks: readonly Block[], aside = false): Section[] {
  return blocks.length === 0 ? [] : [{ kind: 'section', title, aside, blocks }];
}

const SEVERITIES = ['error', 'warning', 'info'];

function warnings(
  { warnings: all }: QuantizationReport,
  { explain, hosted }: { explain: DocumentOptions['explain']; hosted: boolean },
): Block[] {
  if (all.length === 0) return [];
  // The worst first: who reads one line reads that one.
  const bySeverity = all
    .map((warning, index) => ({ ...warning, index }))
    .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  const items = bySeverity.map(({ code, severity, message, config_path: path, index }): Span[] => [
    severity === 'error' ? { text: `${message} `, tone: 'bad' } : `${message} `,
    explain === undefined ? { code } : { text: code, href: explain(code) },
    ...(hosted && path.length > 0
      ? [' ', { text: 'Show in Config', send: { type: 'warning', warning: index } } as const]
      : []),
  ]);

  return [{ kind: 'list', items }];
}

/** The report in other formats, from its panel. */
const EXPORTS: Block = {
  kind: 'buttons',
  buttons: [
    { text: 'Export as HTML', send: { type: 'export', format: 'html' } },
    { text: 'Markdown', send: { type: 'export', format: 'markdown' } },
    { text: 'SARIF', send: { type: 'export', format: 'sarif' } },
  ],
};

function provenance(report: QuantizationReport): Facts {
  const { data, runtime, tool, kernels } = report;
  const validation = data.validation === null ? 'none' : counted(data.validation.samples, 'sample');
  return {
    kind: 'facts',
    caption: 'Provenance',
    rows: [
      ['config', { code: report.config.path }],
      ['model', { code: report.model.path }],
      ['output', { code: report.output.path }],
      ['calibration', counted(data.calibration.samples, 'sample')],
      ['validation', validation],
      ['CPU', `${runtime.cpu.model} (${runtime.cpu.isa.join(', ')})`],
      ['kernels', `${kernels.integer} integer, ${kernels.float} float`],
      ['made by', `${tool.name} ${tool.version}`],
    ],
  };
}

function timings({ timings_ms: all }: QuantizationReport): Table {
  const rows = Object.entries(all)
    .filter(([, milliseconds]) => milliseconds > 0)
    .map(([stage, milliseconds]): Cell[] => [
      stage,
      stage === 'total' || all.total === 0
        ? duration(milliseconds)
        : {
            text: duration(milliseconds),
            bar: { share: Math.min(1, milliseconds / all.total), float: false },
          },
    ]);

  return {
    kind: 'table',
    caption: 'Time of each stage; bars show its share of the total.',
    columns: [{ title: 'Stage' }, { title: 'Time', numeric: true }],
    rows,
  };
}

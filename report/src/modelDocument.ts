import { tableOf, type ModelSummary, decibels } from '@quantsmith/schemas';
import type { Block, Cell, Document, Facts, Table } from './document.js';
import { baseName, bytes, counted, moment } from './figures.js';
import { modelRows, shapeText, type ModelContext, type ModelRow } from './modelRows.js';

/** A model as one document: what it is, what goes in and comes out, its operators, and with `layers` every node. */
export function modelDocument(
  model: ModelSummary,
  context: ModelContext,
  { layers }: { readonly layers: boolean },
): Document {
  const { report, float, isNewer } = context;
  const rows = layers ? modelRows(model, context) : [];

  return {
    title: baseName(model.path),
    subtitle: subtitleOf(model, context),
    blocks: [
      ...(report === null ? [] : [runText(report, isNewer)]),
      section('Summary', float === null ? summaryFacts(model) : summaryTable(float, model)),
      section('Inputs and outputs', signatureTable(model)),
      section('Operators', operatorTable(model, float)),
      ...(layers ? [section('Layers', layerTable(rows, context))] : []),
    ],
  };
}

const section = (title: string, ...blocks: Block[]): Block => ({ kind: 'section', title, blocks });

function subtitleOf({ nodes, parameterCount, fileBytes }: ModelSummary, { float }: ModelContext): string {
  const kind = float === null ? 'ONNX model' : 'int8 model beside its float model';
  return `${kind}, ${bytes(fileBytes)}, ${counted(nodes.length, 'node')}, ${counted(parameterCount, 'float parameter')}`;
}

function runText({ created, config }: NonNullable<ModelContext['report']>, isNewer: boolean): Block {
  const text = ['Layers show the run of ', moment(created), ' with ', { code: baseName(config.path) }, '.'];
  const warning = { text: ' The model file is newer than that run.', tone: 'bad' } as const;
  return { kind: 'paragraph', text: isNewer ? [...text, warning] : text };
}

/** What is said of a model as a whole. */
function factsOf(model: ModelSummary): [label: string, value: string][] {
  const { fileBytes, opsets, irVersion, producer, parameterCount, nodes, externalData, functions } = model;
  const weights = externalData.map(({ location }) => location);

  return [
    ['File', bytes(fileBytes)],
    ['Nodes', nodes.length.toLocaleString('en')],
    ['Float parameters', parameterCount.toLocaleString('en')],
    [
      'Operator sets',
      Object.entries(opsets)
        .map(([domain, version]) => `${domain} ${version}`)
        .join(', '),
    ],
    ['IR version', String(irVersion)],
    ['Producer', producer === '' ? 'not stated' : producer],
    ['External data', weights.length === 0 ? 'none' : weights.join(', ')],
    ['Functions of its own', functions.length === 0 ? 'none' : functions.map(({ name }) => name).join(', ')],
  ];
}

function summaryFacts(model: ModelSummary): Facts {
  return { kind: 'facts', caption: 'What the file says about the model', rows: factsOf(model) };
}

function summaryTable(float: ModelSummary, model: ModelSummary): Table {
  const here = factsOf(model);
  return {
    kind: 'table',
    caption: `Beside ${baseName(float.path)}, from which it was made`,
    columns: [{ title: 'Property' }, { title: 'Float' }, { title: 'int8' }],
    rows: factsOf(float).map(([label, value], index) => [label, value, here[index]![1]]),
  };
}

function signatureTable({ inputs, outputs }: ModelSummary): Table {
  const rows = (direction: string, tensors: ModelSummary['inputs']): Cell[][] =>
    tensors.map((tensor) => [{ code: tensor.name }, direction, tensor.type, shapeText(tensor)]);

  return {
    kind: 'table',
    caption: 'Free dimensions are shown by name',
    columns: [{ title: 'Name' }, { title: 'Direction' }, { title: 'Type' }, { title: 'Shape' }],
    rows: [...rows('input', inputs), ...rows('output', outputs)],
  };
}

function operatorTable(model: ModelSummary, float: ModelSummary | null): Table {
  const here = countsOf(model);
  const before = float === null ? null : countsOf(float);
  const names = [...new Set([...Object.keys(here), ...Object.keys(before ?? {})])];
  const count = (counts: Readonly<Record<string, number>>, name: string) => counts[name] ?? 0;
  names.sort((a, b) => count(here, b) - count(here, a) || (a < b ? -1 : 1));
  const numeric = (title: string) => ({ title, numeric: true });

  return {
    kind: 'table',
    caption: 'Nodes by operator, the most frequent first',
    columns: [
      { title: 'Operator' },
      ...(before === null ? [numeric('Nodes')] : [numeric('Float'), numeric('int8'), numeric('Difference')]),
    ],
    rows: names.map((name) => {
      const nodes = count(here, name);
      if (before === null) return [name, String(nodes)];
      const difference = nodes - count(before, name);
      const sign = difference > 0 ? '+' : '';
      return [name, String(count(before, name)), String(nodes), `${sign}${difference}`];
    }),
  };
}

function countsOf({ nodes }: ModelSummary): Record<string, number> {
  const counts = tableOf<number>();
  for (const { op } of nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

function layerTable(rows: readonly ModelRow[], { report, float }: ModelContext): Table {
  const text = (row: ModelRow): Cell[] => [
    { code: row.name },
    row.op,
    row.shape,
    row.weights,
    row.parameters === 0 ? '' : row.parameters.toLocaleString('en'),
  ];
  const run = ({ run }: ModelRow): Cell[] => [
    run?.state ?? '',
    run === null || run.decibels === null ? '' : decibels(run.decibels),
  ];

  return {
    kind: 'table',
    caption: 'Nodes in the order of the file',
    columns: [
      ...[{ title: 'Layer' }, { title: 'Operator' }, { title: 'Output shape' }, { title: 'Constants' }],
      { title: 'Parameters', numeric: true },
      ...(report === null ? [] : [{ title: 'Computes as' }, { title: 'SQNR', numeric: true }]),
      ...(float === null ? [] : [{ title: 'Difference' }]),
    ],
    rows: rows.map((row) => [
      ...text(row),
      ...(report === null ? [] : run(row)),
      ...(float === null ? [] : [row.difference ?? '']),
    ]),
  };
}

import type { ModelPageData, ModelRow } from '@quantsmith/report';
import type { LayerChange, WeightCodes } from '@quantsmith/schemas';
import { decibels } from '@quantsmith/schemas/rounded';
import { button, element } from '../dom.js';
import { histogram } from './histogram.js';

const CHANGES: readonly (readonly [LayerChange, string])[] = [
  ['exclude', 'Exclude this layer'],
  ['half_range', 'Half range'],
  ['bits16', '16 bits'],
];

export interface DetailActions {
  readonly change: (layer: string, change: LayerChange, config: string) => void;
  readonly weights: (layer: string) => void;
}

/** Shows all that is known of a layer, and what can be done about it. */
export function showDetails(
  place: HTMLElement,
  row: ModelRow,
  { configs }: Pick<ModelPageData, 'configs'>,
  actions: DetailActions,
): void {
  place.replaceChildren(
    element('h3', {}, row.name),
    facts(factsOf(row)),
    ...changes(row, configs, actions),
    ...(row.parameters > 1
      ? [
          element(
            'div',
            { class: 'actions' },
            button('Weights on their int8 grid', () => actions.weights(row.name)),
          ),
          element('div', { id: 'weights' }),
        ]
      : []),
  );
}

/** The answer to a question for weights. */
export function showWeights(place: HTMLElement, weights: WeightCodes | null, problem: string): void {
  place.replaceChildren(weights === null ? element('p', {}, problem) : histogram(weights));
}

function facts(rows: readonly (readonly [string, string])[]): HTMLElement {
  const parts = rows.flatMap(([label, value]) => [element('dt', {}, label), element('dd', {}, value)]);
  return element('dl', {}, ...parts);
}

function factsOf(row: ModelRow): [string, string][] {
  const { run } = row;
  const known: [string, string][] = [
    ['Operator', row.op],
    ['Attributes', row.attributes],
    ['Inputs', row.inputs.join(', ')],
    ['Outputs', row.outputs.join(', ')],
    ['Output shape', row.shape],
    ['Constants', row.weights],
    ['Bytes of constants', row.bytes === 0 ? '' : row.bytes.toLocaleString('en')],
    ['Nodes inside', row.inside === 0 ? '' : String(row.inside)],
    ['Difference', row.difference ?? ''],
    ['Computes as', run?.state ?? ''],
    ['SQNR', run === null || run.decibels === null ? '' : decibels(run.decibels)],
    ['Weights', run === null || run.weight === '' ? '' : `${run.weight}, scale ${run.scales}`],
    ...(run?.quantizers ?? []).map((text): [string, string] => ['Quantizer', text]),
  ];

  return known.filter(([, value]) => value !== '');
}

/** Buttons that change the layer in a config; of several configs one is chosen. */
function changes(row: ModelRow, configs: ModelPageData['configs'], { change }: DetailActions): HTMLElement[] {
  const [first] = configs;
  if (first === undefined) return [];
  const choice = element(
    'select',
    { 'aria-label': 'Config to change' },
    ...configs.map(({ uri, label }) => element('option', { value: uri }, label)),
  );
  choice.value = first.uri;
  choice.hidden = configs.length === 1;
  const buttons = CHANGES.map(([kind, title]) => button(title, () => change(row.name, kind, choice.value)));
  return [element('div', { class: 'actions' }, choice, ...buttons)];
}

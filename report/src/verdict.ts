import { distrustOf, metricFacts, type QuantizationReport } from '@quantsmith/schemas';
import type { Verdict } from './document.js';
import {
  allowanceText,
  bytes,
  counted,
  dropValue,
  duration,
  metricValue,
  sizeChange,
  speedChange,
} from './figures.js';

type Figure = Verdict['figures'][number];

/** What a reader wants to know first: whether the target was met, and what was lost and gained. */
export function verdictBlock(report: QuantizationReport): Verdict {
  return {
    kind: 'verdict',
    headline: headline(report),
    figures: [...dropFigure(report), sizeFigure(report), ...speedFigure(report), operatorFigure(report)],
  };
}

function headline(report: QuantizationReport): Verdict['headline'] {
  const { metric } = report;
  if (metric?.satisfied === false) return { text: 'Target missed', tone: 'bad' };
  if (distrustOf(report) !== null) return { text: 'Not trustworthy', tone: 'bad' };
  if (metric === null) return { text: 'Accuracy not measured', tone: 'quiet' };
  return metric.satisfied === true
    ? { text: 'Target met', tone: 'good' }
    : { text: 'No target set', tone: 'quiet' };
}

function dropFigure({ metric }: QuantizationReport): Figure[] {
  if (metric === null || metric.drop === null) return [];
  const { name, target, samples } = metric;
  // The float model's distance from itself is no figure, and a distance from it no drop.
  if (metricFacts(name)?.perfect === metric.baseline) {
    const bound = target === null || target === undefined ? '' : `; target ${metricValue(name, target)}`;
    return [
      {
        label: `${name} against float`,
        value: metricValue(name, metric.quantized),
        note: `${counted(samples, 'sample')}${bound}`,
      },
    ];
  }

  const interval =
    metric.ci95 === null
      ? ''
      : `95 % interval ${dropValue(metric, metric.ci95[0])} to ${dropValue(metric, metric.ci95[1])}`;
  const allowed = metric.max_drop === null ? '' : allowanceText(metric, metric.max_drop);

  return [
    {
      label: 'drop',
      value: dropValue(metric, metric.drop),
      note: [interval, allowed].filter((part) => part !== '').join('; '),
    },
  ];
}

function sizeFigure({ size }: QuantizationReport): Figure {
  const note = `${bytes(size.float_bytes)} → ${bytes(size.quantized_bytes)}`;
  return { label: 'size', value: sizeChange(size.ratio), note };
}

function speedFigure({ latency_ms: latency }: QuantizationReport): Figure[] {
  if (latency === null) return [];
  const busy = latency.busy === true ? '; the machine was busy' : '';
  const note = `${duration(latency.float_median)} → ${duration(latency.quantized_median)}${busy}`;
  return [{ label: 'speed', value: speedChange(latency.speedup), note }];
}

function operatorFigure({ layers, restoration }: QuantizationReport): Figure {
  const float = layers.filter(({ quantized }) => !quantized).length;
  const restored = restoration?.reverted.length ?? 0;
  return {
    label: 'in float',
    value: `${float.toLocaleString('en')} of ${counted(layers.length, 'operator')}`,
    note: restored === 0 ? '' : `${restored.toLocaleString('en')} restored`,
  };
}

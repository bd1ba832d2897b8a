import { inspect } from '@quantsmith/api';
import { claimTextPlace, writeText } from '@quantsmith/model/files';
import { inspectModel } from '@quantsmith/model/onnx';
import { ALONE, modelHtml } from '@quantsmith/report';
import type { ModelNode, ModelSummary, TensorSignature } from '@quantsmith/schemas';
import { EXIT } from '../output/exitCodes.js';
import { shownFile } from '../output/place.js';
import { printJson, printLines } from '../output/terminal.js';
/** `quantsmith inspect`: the structure of a model, read without its weights; `html`: the file of a page with all of it. */
export async function inspectCommand(
  path: string,
  options: { readonly json?: boolean; readonly html?: string },
): Promise<number> {
  if (options.html !== undefined) {
    await claimTextPlace(options.html, [path]);
    await writeText(options.html, modelHtml(await inspectModel(path, { tensors: true }), ALONE));
    return EXIT.ok;
  }

  const model = { ...(await inspect(path)), path: shownFile(path) };
  if (options.json === true) printJson(asJson(model));
  else printLines(linesOf(model));
  return EXIT.ok;
}

/** As `quantsmith schema inspect` says. */
function asJson(model: ModelSummary) {
  const { path, opsets, producer, inputs, outputs, nodes, functions } = model;

  return {
    schema_version: 1,
    ...{ path, opsets, producer, inputs, outputs },
    file_bytes: model.fileBytes,
    ir_version: model.irVersion,
    parameter_count: model.parameterCount,
    nodes: nodes.map(nodeAsJson),
    functions: functions.map(({ nodes: inside, ...named }) => ({ ...named, nodes: inside.map(nodeAsJson) })),
  };
}

function nodeAsJson({ floatConstants, bodies, ...rest }: ModelNode): object {
  return { ...rest, float_constants: floatConstants, bodies: bodies.map(nodeAsJson) };
}

function linesOf(model: ModelSummary): string[] {
  const counts = new Map<string, number>();
  for (const { op } of model.nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  const operators = [...counts].sort((a, b) => b[1] - a[1]).map(([op, count]) => `${op} ${count}`);
  const opsets = Object.entries(model.opsets).map(
    ([domain, version]) => `${domain === '' ? 'ai.onnx' : domain} ${version}`,
  );

  const signature = ({ name, type, dims }: TensorSignature) => `  ${name}: ${type} [${dims.join(', ')}]`;

  return [
    model.path,
    `${(model.fileBytes / 1e6).toFixed(2)} MB, ${model.parameterCount.toLocaleString('en')} float parameters, IR ${model.irVersion}, operator sets: ${opsets.join(', ')}`,
    `made by ${model.producer === '' ? 'an unnamed producer' : model.producer}`,
    'inputs',
    ...model.inputs.map(signature),
    'outputs',
    ...model.outputs.map(signature),
    `${model.nodes.length} nodes: ${operators.join(', ')}`,
  ];
}

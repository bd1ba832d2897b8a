import { type ConfigPath, type SchemaNode, writtenPath } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findNode } from '../document/tree.js';
import { allowedValues } from '../knowledge/schema.js';

/** Digits in groups, as other formats and people write them. */
const SEPARATED = /^[+-]?\d{1,3}([_,' ]\d{3})+$/;

/** The integer types of NumPy, ONNX, PyTorch and ONNX Runtime, by which others state a number of bits: `int8`, `QUInt8`, `u4`. */
const BITS_OF_TYPE = /^(?:\w+\.)?(?:q?u?int|[uiw])[-_]?(\d{1,2})$/;

const isUnsigned = (type: string) => /(?:^|\.)q?u/.test(type);
const hasSign = (type: string) => BITS_OF_TYPE.test(type) && !/^w/.test(type);

/** Whether the codes would not have the sign of the type with its number of bits alone: those of activations have none, of weights one. */
function isOfOtherSign(path: ConfigPath, type: string): boolean {
  if (!hasSign(type)) return false;
  return writtenPath(path).includes(
    isUnsigned(type) ? 'weights_quantization_params' : 'activations_quantization_params',
  );
}

/** What is to be said of a value of the wrong type besides what it must be. */
export function wrongTypeAdvice(path: ConfigPath, written: string, hasSuggestion: boolean): string {
  if (SEPARATED.test(written) && hasSuggestion) return ', written without separators';
  const type = written.trim().toLowerCase();
  const saysSign =
    path.at(-1) === 'num_bits' && writtenPath(path).includes('advanced_parameters') && hasSign(type);
  return saysSign ? ': a number of bits. Whether codes have a sign is up to signedness_to_force' : '';
}

/** yes/no, quoted numbers and unquoted texts have an obvious right form. */
export function suggestionsFor(
  document: ConfigDocument,
  path: ConfigPath,
  schema: SchemaNode,
): { suggestions?: string[]; isLossy?: boolean } {
  const node = findNode(document.tree, path);
  const types = [schema.type ?? []].flat();
  if (node?.kind === 'sequence' && node.items.length === 1 && !types.includes('array')) {
    const [only] = node.items;
    const isText = only?.kind === 'scalar' && only.anchor === undefined && schema.properties === undefined;
    return isText ? { suggestions: [document.text.getText().slice(only.start, only.end)] } : {};
  }

  if (node?.kind !== 'scalar' || node.value === null) return {};
  if (typeof node.value === 'boolean') {
    const words = node.value ? ['enable', 'true'] : ['disable', 'false'];
    const [word] = allowedValues(schema).filter(({ value }) => words.includes(String(value)));
    if (word !== undefined) return { suggestions: [String(word.value)] };
  }

  if (typeof node.value !== 'string') {
    const isText = types.every((type) => type === 'string' || type === 'null') && types.length > 0;
    const written = document.text.getText().slice(node.start, node.end);
    return isText && allowedValues(schema).length <= 1 ? { suggestions: [JSON.stringify(written)] } : {};
  }

  const text = node.value.trim().toLowerCase();
  if (types.includes('boolean') && ['yes', 'on', 'true'].includes(text)) return { suggestions: ['true'] };
  if (types.includes('boolean') && ['no', 'off', 'false'].includes(text)) return { suggestions: ['false'] };
  const numeric = types.includes('number') || types.includes('integer');
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text)?.[1];
  if (types.includes('number') && percent !== undefined)
    return { suggestions: [String(Number((Number(percent) / 100).toPrecision(12)))] };

  const [, height, width] = /^\(?(\d+)\s*[x×,]\s*(\d+)\)?$/.exec(text) ?? [];
  if (types.includes('array') && height !== undefined && width !== undefined)
    return { suggestions: [`[${Number(height)}, ${Number(width)}]`] };

  const counted = /^(-?\d+(?:\.\d+)?)\s*(?:db|samples|images|bits?|px|pixels)$/.exec(text)?.[1];
  if (numeric && counted !== undefined) return { suggestions: [counted] };

  const bits = path.at(-1) === 'num_bits' ? BITS_OF_TYPE.exec(text)?.[1] : undefined;
  // A number of bits says nothing of a sign: whether that may go is the author's choice, where it does not turn into the other one.
  if (numeric && bits !== undefined)
    return isOfOtherSign(path, text) ? {} : { suggestions: [bits], isLossy: isUnsigned(text) };

  const digits = SEPARATED.test(text) ? text.replace(/[_,' ]/g, '') : text;
  if (!numeric || digits === '' || !Number.isFinite(Number(digits))) return {};

  // YAML 1.1 reads zeros in front as octal, JSON not at all.
  return { suggestions: [digits.replace(/^([+-]?)0+(?=\d)/, '$1')] };
}

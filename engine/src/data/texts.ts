import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { fail, largest, tableOf, type TensorSignature, reasonOf } from '@quantsmith/schemas';
import type { HostTensor, TensorTypeName } from '@quantsmith/model/arrays';
import { textInputsText, textRoles, type TextRole } from '@quantsmith/model/tasks';
import { readText } from '@quantsmith/model/files';
import { convertTo } from './convert.js';
import { tokenizerProblem } from './judgeTexts.js';
import { readInputText } from './input.js';
import { isLabelArray, type Label } from './labels/label.js';
import { readClasses } from './labels/open.js';
import { openSectionLabels } from './labels/section.js';
import { readTextRows, type TextRow } from './textRows.js';
import { openTokenizer, truncated, type Tokenizer, type Tokens } from './tokenizer.js';
import type { DataContext, DataSection, Sample, SampleSource } from './types.js';

/** Tokens that no class belongs to. */
const NO_CLASS = -100;

/**
 * Texts of a file, tokenized for the model: ids, attention mask, token types and positions by the names of its inputs, filled up to the
 * length that the model states. Pairs go in together; where they are judged by a score, as a batch of two texts. Throws
 * `tokenizer-invalid`, `text-invalid`, `data-inputs`.
 */
export async function openTexts(
  path: string,
  section: DataSection,
  context: DataContext,
): Promise<SampleSource> {
  const configPath = [...context.configPath, 'texts'] as const;
  const content = await readInputText({
    path,
    what: 'The file of texts',
    code: 'data-not-found',
    configPath,
  });
  const classes = (section.classes ?? null) === null ? null : await readClasses(section.classes!, context);
  const rows = readTextRows(content, { path, classes, configPath });
  const { tokenizer, files } = await sectionTokenizer(section, context);
  const roles = rolesOf(context);
  const length = fixedLength(context.inputs);
  const names = rows.map(({ name }) => name);
  const labels = await openSectionLabels(section, names, context);
  const maxTokens = Math.min(length ?? Infinity, section.max_length ?? Infinity);
  const apart = context.labelKind === 'score';

  return {
    count: rows.length,
    hasLabels: labels !== null || (rows.length > 0 && rows.every(({ label }) => label !== null)),
    classes: labels?.classes ?? classes?.length ?? null,
    async get(index) {
      const row = rows[index]!;
      const batch = encoded(row, tokenizer, maxTokens, apart);
      const width = length ?? largest([1, ...batch.map(({ ids }) => ids.length)]);
      const label = labels === null ? row.label : await labels.at(index, null);
      const feeds = feedsOf(batch, width, tokenizer.padId, roles, context);
      return { name: row.name, feeds, label: paddedLabel(label, width) } satisfies Sample;
    },
    async fingerprint() {
      const { max_length: limit = null } = section;
      const settings = JSON.stringify([limit, apart, classes, (await labels?.content()) ?? null]);
      return createHash('sha256')
        .update([settings, content, ...files].join('\0'))
        .digest('hex');
    },
  };
}

/** One text, or the two of a pair as a batch. */
function encoded({ text, pair }: TextRow, tokenizer: Tokenizer, maxTokens: number, apart: boolean): Tokens[] {
  if (pair !== null && apart) return [text, pair].map((part) => truncated(tokenizer, part, null, maxTokens));
  return [truncated(tokenizer, text, pair, maxTokens)];
}

/** The tokenizer that a section names, and the contents of its files. */
async function sectionTokenizer(
  section: DataSection,
  context: DataContext,
): Promise<{ tokenizer: Tokenizer; files: string[] }> {
  const configPath = [...context.configPath, 'tokenizer'] as const;
  const written = section.tokenizer ?? null;
  if (written === null) {
    return fail(
      'tokenizer-missing',
      `Texts need a tokenizer: ${configPath.join('.')} names the model's tokenizer.json.`,
      {
        configPath: context.configPath,
      },
    );
  }

  const path = resolve(context.baseDir, written);
  const file = await readInputText({ path, what: 'The tokenizer', code: 'data-not-found', configPath });
  const invalid = (reason: string): never =>
    fail('tokenizer-invalid', `${path} is not a readable tokenizer: ${reason}.`, {
      file: path,
      configPath,
    });

  const problem = tokenizerProblem(file);
  if (problem !== null) invalid(problem);
  try {
    const files = [file, await readText(join(dirname(path), 'tokenizer_config.json')).catch(() => '')];
    return { tokenizer: await openTokenizer(path), files };
  } catch (error) {
    return invalid(reasonOf(error));
  }
}

function rolesOf({ inputs, configPath }: DataContext): ReadonlyMap<string, TextRole> {
  const names = inputs.map(({ name }) => name);
  return (
    textRoles(names) ?? fail('data-inputs', textInputsText(names), { configPath: [...configPath, 'texts'] })
  );
}

/** The number of tokens that the model states; null: any. */
function fixedLength(inputs: readonly TensorSignature[]): number | null {
  const [length] = inputs.flatMap(({ dims }) => {
    const last = dims.at(-1);
    return dims.length === 2 && typeof last === 'number' && last > 0 ? [last] : [];
  });
  return length ?? null;
}

function feedsOf(
  batch: readonly Tokens[],
  width: number,
  padId: number,
  roles: ReadonlyMap<string, TextRole>,
  { inputs, configPath }: DataContext,
): Record<string, HostTensor> {
  const feeds = tableOf<HostTensor>();
  for (const { name, type } of inputs) {
    const role = roles.get(name)!;
    const values = batch.flatMap((tokens) =>
      Array.from({ length: width }, (_, i) => valueOf(tokens, role, i, padId)),
    );
    const where = { name: `input "${name}"`, configPath };
    const data = convertTo(type, Int32Array.from(values), where);
    feeds[name] = { type: type as TensorTypeName, dims: [batch.length, width], data };
  }

  return feeds;
}

function valueOf({ ids, typeIds }: Tokens, role: TextRole, index: number, padId: number): number {
  switch (role) {
    case 'ids':
      return ids[index] ?? padId;
    case 'mask':
      return index < ids.length ? 1 : 0;
    case 'types':
      return typeIds[index] ?? 0;
    case 'positions':
      return index;
  }
}

/** Classes of tokens are as many as there are tokens. */
function paddedLabel(label: Label, width: number): Label {
  if (!isLabelArray(label) || label.dims.length !== 1) return label;
  const data = new Int32Array(width).fill(NO_CLASS);
  data.set(Int32Array.from(label.data as Int32Array).subarray(0, width));
  return { dims: [width], data };
}

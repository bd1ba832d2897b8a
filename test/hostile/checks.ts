import type { ModelProto } from '@quantsmith/model/onnx';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECK_FORMATS, checkCommand, type CheckFormat } from '../../cli/src/commands/check.js';
import { openMessages } from '../../cli/src/output/messages.js';
import { type Outcome, watched } from './attempt.js';
import { commandOutcome } from './command.js';
import { hostileConfig } from './configs.js';
import { npyOf } from './npy.js';
import { hostileModel } from './onnx.js';
import { randomOf } from './random.js';

/** A config and the model behind it, as files. */
interface CheckCase {
  readonly path: string;
  readonly format: CheckFormat;
  readonly bytes: number;
}

function arrange(seed: number, folder: string, seeds: readonly ModelProto[]): CheckCase {
  const random = randomOf(seed);
  const { ending, text } = hostileConfig(random);
  const model = hostileModel(random, seeds);
  const path = join(folder, `case.quant.${ending}`);
  writeFileSync(join(folder, 'm.onnx'), model);
  writeFileSync(join(folder, 'x.npy'), npyOf('<f4', [4, 3, 8, 8], new Uint8Array(4 * 4 * 3 * 8 * 8)));
  writeFileSync(join(folder, 'y.npy'), npyOf('<i8', [4], new Uint8Array(4 * 8)));
  writeFileSync(path, text);
  return { path, format: CHECK_FORMATS[seed % CHECK_FORMATS.length]!, bytes: text.length + model.length };
}

/** One hostile config, with a hostile model behind it, through the function of `quantsmith check` in this process. */
export async function throughCheck(
  seed: number,
  folder: string,
  seeds: readonly ModelProto[],
): Promise<Outcome> {
  const { path, format, bytes } = arrange(seed, folder, seeds);
  const session = { messages: openMessages({ quiet: true }), json: format === 'json' };
  const ended = { code: -1, printed: '' };
  const outcome = await watched(bytes, (attempt) =>
    attempt('checked', async () => {
      const options = { format, failOn: 'error', stdinName: path } as const;
      ended.printed = await captured(async () => {
        ended.code = await checkCommand([path], options, session);
      });
    }),
  );
  rmSync(path);
  const counted = [...outcome.counted, `code ${ended.code}`];

  return withPrinted({ ...outcome, counted }, ended.printed, format);
}

/** The same by the command itself. */
export async function checkedByProcess(
  seed: number,
  folder: string,
  seeds: readonly ModelProto[],
  cli: string,
): Promise<Outcome> {
  const { path, format, bytes } = arrange(seed, folder, seeds);
  const { stdout, outcome } = await commandOutcome(cli, ['check', path, '--format', format], {
    codes: [0, 1],
    fileBytes: bytes,
  });
  rmSync(path);

  return withPrinted({ ...outcome, counted: [...outcome.counted, 'checked'] }, stdout, format);
}

/** What a function writes to standard output. */
async function captured(body: () => Promise<void>): Promise<string> {
  const { stdout } = process;
  const write = stdout.write.bind(stdout);
  let text = '';
  stdout.write = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };

  try {
    await body();
  } finally {
    stdout.write = write;
  }

  return text;
}

/** Codes of findings that keep a config from being looked into. */
const REFUSED_AS_TEXT =
  /\b(syntax|unknown-key|unknown-value|unknown-anchor|wrong-type|missing-key|duplicate-key|out-of-range)\b/;

function withPrinted({ counted, faults, cost }: Outcome, printed: string, format: CheckFormat): Outcome {
  return {
    counted: [
      ...counted,
      ...(counted.includes('code 0') ? ['without an error'] : []),
      ...(REFUSED_AS_TEXT.test(printed) ? [] : ['past the schema']),
      ...(printed.includes('model-unreadable') ? ['model refused'] : []),
    ],
    faults: [...faults, ...(printed === '' ? [] : printedFaults(printed, format))],
    cost,
  };
}

// eslint-disable-next-line no-control-regex -- What a terminal would take for a command is what is looked for.
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

/** JSON that is none, what a terminal or a CI would take for a command, and stack traces. */
function printedFaults(printed: string, format: CheckFormat): string[] {
  const faults: string[] = [];
  if (CONTROL.test(printed)) faults.push('a control character is printed');
  if (/^\s+at .*:\d+:\d+\)?$/m.test(printed)) faults.push('a stack trace is printed');
  if (format === 'github' && /^::(?!error|warning|notice)/m.test(printed)) faults.push('a forged command');
  if (format !== 'json' && format !== 'sarif') return faults;
  try {
    JSON.parse(printed);
  } catch {
    faults.push(`what is printed is no JSON: ${printed.slice(0, 80)}`);
  }

  return faults;
}

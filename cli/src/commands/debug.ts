import { resolve } from 'node:path';
import { debugText } from '@quantsmith/report';
import { fail, type DebugReport } from '@quantsmith/schemas';
import type { RequestOptions } from '@quantsmith/server';
import { runOnConfig } from '../run/engine.js';
import { EXIT } from '../output/exitCodes.js';
import type { Session } from '../output/session.js';
import { printJson, printLines, terminalPaint } from '../output/terminal.js';

export interface DebugOptions extends RequestOptions {
  readonly json?: boolean;
  /** A folder for the layers' tensors. */
  readonly save?: string;
}

/** `quantsmith debug`: every layer of the quantized model beside the float model. Writes no model. */
export async function debugCommand(path: string, options: DebugOptions, session: Session): Promise<number> {
  const reports: DebugReport[] = [];
  const save = options.save === undefined ? {} : { save: resolve(options.save) };
  const asked = { kind: 'debug', ...save } as const;
  const code = await runOnConfig(path, asked, options, session, (event) => {
    if (event.type === 'debug') reports.push(event.report);
  });

  if (code !== null) return code;
  const report = reports[0] ?? fail('engine-crashed', 'The engine ended without a result.');
  if (options.json === true) printJson(report);
  else printLines(debugText(report, terminalPaint()).split('\n'), { painted: true });

  return EXIT.ok;
}

import { systemReason, withFileSync } from '@quantsmith/model/files';
import { fail, type Problem, terminalLine, visible } from '@quantsmith/schemas';
import { appendFileSync, existsSync, statSync } from 'node:fs';
import { createProgress, type Progress } from './progress.js';

/** How much is said on standard error. */
export interface MessageOptions {
  /** Errors alone. */
  readonly quiet?: boolean;
  /** Also how long each stage took. */
  readonly verbose?: boolean;
  /** A file that everything is added to, with times, whatever the terminal shows. */
  readonly logFile?: string;
}

/** What a command says besides its result. */
export interface Messages {
  /** What ended the command, or a finding that is an error. */
  readonly error: (text: string) => void;
  /** Warnings and what else matters to people. */
  readonly note: (text: string) => void;
  /** What only --verbose and the log file show. */
  readonly detail: (text: string) => void;
  readonly progress: Progress;
}

export function openMessages({ quiet = false, verbose = false, logFile }: MessageOptions): Messages {
  const log = logFile === undefined ? () => undefined : logTo(logFile);
  const bar = createProgress(process.stderr, { quiet });
  const print = (level: string, text: string, shown: boolean) => {
    const line = terminalLine(text);
    log(level, line);
    if (shown) bar.line(line);
  };

  const detail = (text: string) => print('detail', text, verbose && !quiet);
  let stage = '';
  let since = 0;

  return {
    error: (text) => print('error', text, true),
    note: (text) => print('note', text, !quiet),
    detail,
    progress: {
      ...bar,
      update(event) {
        if (event.stage !== stage) {
          if (stage !== '') detail(`${stage}: ${seconds(performance.now() - since)}`);
          stage = event.stage;
          since = performance.now();
          log('stage', stage);
        }

        bar.update(event);
      },
      end() {
        bar.end();
        if (stage !== '') detail(`${stage}: ${seconds(performance.now() - since)}`);
        stage = '';
      },
    },
  };
}

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(2)} s`;

function logTo(path: string): (level: string, text: string) => void {
  const refused = (reason: string) =>
    fail('write-failed', `The log file ${path} cannot be written: ${reason}.`, { file: path });
  // A FIFO would be waited for, and a model with lines behind it is none any more.
  if (existsSync(path)) {
    if (!statSync(path).isFile()) refused('it is not a regular file');
    if (!isEmptyOrLog(path)) refused('it is not a log of quantsmith');
  }

  const write = (line: string) => {
    try {
      appendFileSync(path, `${new Date().toISOString()} ${line}\n`);
    } catch (error) {
      refused(systemReason(error));
    }
  };

  // Says at once whether the file can be written.
  write(`begin ${terminalLine(process.argv.slice(2).join(' '))}`);
  return (level, text) => write(`${level} ${text}`);
}

/** Whether a file begins as a log does: lines are added to nothing else. */
function isEmptyOrLog(path: string): boolean {
  return withFileSync(path, (bytesAt, size) => {
    const head = new TextDecoder().decode(bytesAt(0, Math.min(size, LOG_HEAD_BYTES)));
    return size === 0 || /^\d{4}-\d\d-\d\dT[\d:.]+Z begin /.test(head);
  });
}

const LOG_HEAD_BYTES = 40;

/** `error: …` as it is printed where there is no place in a file: one line, whatever names are in it. */
export function problemText({ severity, message, code }: Problem): string {
  return `${severity}: ${visible(message)} [${code}]`;
}

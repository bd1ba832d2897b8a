import type { Connection } from 'vscode-languageserver';

/** How much the server says in the client's log, the least first. */
export const LOG_LEVELS = ['error', 'warning', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Writes to the client's log what the level allows. */
export type Log = (level: LogLevel, message: unknown) => void;

export function createLog({ console }: Connection, wanted: () => LogLevel): Log {
  const write = {
    error: (text: string) => console.error(text),
    warning: (text: string) => console.warn(text),
    info: (text: string) => console.info(text),
    debug: (text: string) => console.log(text),
  };

  return (level, message) => {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(wanted())) return;
    write[level](message instanceof Error ? (message.stack ?? message.message) : String(message));
  };
}

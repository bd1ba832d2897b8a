import type * as vscode from 'vscode';

/** A command of the server that an engine process serves. */
export interface RunKind {
  /** The server's command; its first argument is the config's URI. */
  readonly command: string;
  /** What is done to the config, as the start of a title: "Quantizing". */
  readonly verb: string;
  /** How a message about its failure begins. */
  readonly failure: string;
  /** Whether what was found out until it failed can be gone on with. */
  readonly resumes: boolean;
}

/** A run that waits for its turn or is being served. */
export interface ActiveRun {
  readonly config: vscode.Uri;
  readonly kind: RunKind;
  readonly phase: 'queued' | 'running';
  readonly fraction: number;
  readonly message: string;
  /** The stage that it is in, as the engine calls it; empty: none yet. */
  readonly stage: string;
}

/** The runs of this window: one at a time, the others in a queue. */
export interface Runs {
  /**
   * Starts a run, or joins the one of the same config that is there already. undefined: it was cancelled, or it failed
   * and the user was told.
   */
  readonly start: <T>(kind: RunKind, config: vscode.Uri, options?: RunOptions) => Promise<T | undefined>;
  /** Cancels the runs of a config; without one, all of them. */
  readonly cancel: (config?: vscode.Uri) => void;
  /** Ends restoration of a config, or of all, with the best model found so far. */
  readonly finish: (config?: vscode.Uri) => Promise<void>;
  readonly active: () => readonly ActiveRun[];
  readonly onDidChange: vscode.Event<void>;
}

export interface RunOptions {
  /** Continue an interrupted run from its journal. */
  readonly resume?: boolean;
}

export interface RunEntry {
  /** Its command and its config. */
  readonly key: string;
  run: ActiveRun;
  readonly result: Promise<unknown>;
  readonly cancellation: vscode.CancellationTokenSource;
}

/** Name of a file as messages show it. */
export const nameOf = (uri: vscode.Uri): string => uri.path.split('/').at(-1) ?? uri.path;

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';

/** A config that is being run, and since when, in milliseconds since 1970. */
export interface RememberedRun {
  readonly config: vscode.Uri;
  readonly since: number;
}

/** Which configs are being run, kept across a reload of the window, which ends the engine. */
export interface RunMemory {
  /** Runs of windows that have closed, until somebody was told what became of them. */
  readonly left: () => readonly RememberedRun[];
  /** Takes note of the configs that have runs in this window now. */
  readonly remember: (configs: readonly vscode.Uri[]) => void;
  readonly isRunning: (config: vscode.Uri) => boolean;
  /** The user was told; a run that this window has begun meanwhile stays. */
  readonly forget: (config: vscode.Uri) => void;
  /** From here on all stays as it is: the window closes, and the runs that end with it are the next one's to tell. */
  readonly close: () => void;
}

/**
 * A memory in a folder, with a file for each run. Files are there at once, where what VS Code keeps for an extension reaches
 * its storage only some time after it was handed over: too late for a window that is closed then.
 */
export function createRunMemory(folder: vscode.Uri): RunMemory {
  const running = new Set<string>();
  let isClosed = false;
  const fileOf = (config: string) =>
    join(folder.fsPath, `${createHash('sha256').update(config).digest('hex').slice(0, 16)}.json`);

  const keep = (config: string) => {
    running.add(config);
    mkdirSync(folder.fsPath, { recursive: true });
    writeFileSync(fileOf(config), JSON.stringify({ config, since: Date.now() }));
  };

  const drop = (config: string) => {
    running.delete(config);
    rmSync(fileOf(config), { force: true });
  };

  return {
    left: () => namesIn(folder.fsPath).flatMap((name) => remembered(join(folder.fsPath, name))),
    remember(configs) {
      if (isClosed) return;
      const now = new Set(configs.map(String));
      for (const config of running) if (!now.has(config)) drop(config);
      for (const config of now) if (!running.has(config)) keep(config);
    },
    isRunning: (config) => running.has(config.toString()),
    forget(config) {
      if (!isClosed && !running.has(config.toString())) drop(config.toString());
    },
    close() {
      isClosed = true;
    },
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
}

/** What a file tells; nothing where it is damaged. */
function remembered(file: string): RememberedRun[] {
  try {
    const { config, since } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    return typeof config === 'string' && typeof since === 'number'
      ? [{ config: vscode.Uri.parse(config), since }]
      : [];
  } catch {
    return [];
  }
}

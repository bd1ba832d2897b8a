import { sweepHtml, type SweptOutcome, type SweptRun } from '@quantsmith/report';
import type { Settings } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { savedConfig } from '../config/activeConfig.js';
import { applyServerEdits } from '../commands/setValue.js';
import { readReport } from '../report/files.js';
import { restorePages, showPage, type Page } from '../report/page.js';
import type { PageStates } from '../report/pageStates.js';
import { nameOf, type RunKind, type Runs } from '../runs/run.js';
import type { Server } from '../server/server.js';
import { OPEN_REPORT } from './comparison.js';

/** The server's command for a sweep; its argument is the config's URI. */
export const SERVER_SWEEP = 'quantsmith.server.sweep';

const SWEEP: RunKind = {
  command: SERVER_SWEEP,
  verb: vscode.l10n.t('Sweeping'),
  failure: vscode.l10n.t('the sweep failed'),
  resumes: false,
};

/** What the server tells of a sweep; the reports lie in their files. */
interface SweepResult extends SweptOutcome {
  readonly points: readonly {
    readonly name: string;
    readonly settings: Settings;
    readonly reportPath: string;
    readonly problem: { readonly message: string } | null;
    readonly dropped: NonNullable<SweptRun['dropped']> | null;
    readonly onFront: boolean;
  }[];
}

const VIEW = 'quantsmith.sweep';
/** The command by which a page writes the settings of a point into its config. */
const USE_POINT = 'quantsmith.usePoint';

/** Runs every combination of a config's matrix, and shows what they came to: points open reports, or are taken into the config. */
export async function sweepConfig(
  runs: Runs,
  states: PageStates,
  given?: vscode.Uri,
): Promise<SweepResult | undefined> {
  const config = await savedConfig(given);
  if (config === undefined) return undefined;
  const result = await runs.start<SweepResult>(SWEEP, config);
  if (result === undefined) return undefined;
  const page = await sweepPage({ config: config.toString(), result });
  if (page !== null) showPage(page, states);

  return result;
}

/** Has a reloaded window show its sweeps again. */
export const restoreSweeps = (states: PageStates): vscode.Disposable =>
  restorePages(VIEW, states, (state) => sweepPage(state ?? {}));

/** What a page of a sweep keeps: its reports are read from their files. */
interface SweepState {
  readonly config: string;
  readonly result: SweepResult;
}

async function sweepPage({ config, result }: Partial<SweepState>): Promise<Page | null> {
  if (config === undefined || result === undefined) return null;
  const runs = await Promise.all(
    result.points.map(
      async ({ name, settings, reportPath, problem, dropped, onFront }): Promise<SweptRun> => {
        const file = vscode.Uri.file(reportPath);
        const report = problem === null && dropped === null ? await readReport(file) : null;
        const failure = problem?.message ?? null;
        const label = name === '' ? nameOf(vscode.Uri.parse(config)) : name;

        return {
          ...{ label, report, failure, dropped, onFront },
          href: link(OPEN_REPORT, file.toString()),
          use: Object.keys(settings).length === 0 ? null : link(USE_POINT, config, settings),
        };
      },
    ),
  );

  return {
    view: VIEW,
    title: vscode.l10n.t('Sweep: {0}', nameOf(vscode.Uri.parse(config))),
    html: (host) => sweepHtml(runs, result, host),
    commands: [OPEN_REPORT, USE_POINT],
    state: { config, result },
  };
}

const link = (command: string, ...args: readonly unknown[]) =>
  `command:${command}?${encodeURIComponent(JSON.stringify(args))}`;

/** Writes the settings of a point into its config, as an edit that can be undone; comments stay. */
export async function usePoint(server: Server, config: unknown, settings: unknown): Promise<void> {
  if (typeof config !== 'string' || typeof settings !== 'object' || settings === null) return;
  await applyServerEdits(server, vscode.Uri.parse(config), 'quantsmith.server.useSettings', [settings]);
}

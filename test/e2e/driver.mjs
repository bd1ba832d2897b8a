// What the workbench tests of one topic share: a workbench with the extension installed, and what a person does in it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  CLEAR_AND_ASK_FOR_FILE,
  installExtension,
  launchBrowser,
  makeSandbox,
  remote,
  ROOT,
  startServer,
  workbenchUrl,
} from './harness.mjs';
import { fillWorkspace } from './workspace.mjs';

const shots = join(ROOT, '.tools/shots');
const TIMEOUT_MS = 90_000;

/**
 * Runs the steps of a topic, one after the other, in one window. A step that fails leaves a screenshot and does not keep the
 * others from running. `fill` puts files into the workspace, `settings` go into its `.vscode/settings.json`. `prepare` changes
 * what is installed, and `isAlone` wants a workbench that nobody has used: others share one, each with a folder of its own.
 */
export async function runSteps(stage, topic, allSteps, options = {}) {
  const { fill = fillWorkspace, settings = {}, isAlone = false, prepare } = options;
  const steps = allSteps.filter(([name]) => name.includes(process.env.QUANTSMITH_STEP ?? ''));
  if (steps.length === 0) return { passed: 0, failed: 0 };
  mkdirSync(shots, { recursive: true });
  const isShared = !isAlone && prepare === undefined;
  const place = isShared ? await stage.shared() : await startPlace(stage.vsix, prepare);
  const sandbox = { ...place.sandbox, workspace: join(place.sandbox.root, topic) };
  mkdirSync(join(sandbox.workspace, '.vscode'), { recursive: true });
  writeFileSync(join(sandbox.workspace, '.vscode/settings.json'), JSON.stringify(settings));
  fill(sandbox.workspace);
  const totals = { passed: 0, failed: 0 };
  const workbench = createWorkbench({ ...place, sandbox, topic });
  try {
    for (const [name, step] of steps) {
      const started = performance.now();
      try {
        await step(workbench);
        totals.passed++;
        console.log(`  ok: ${name} (${Math.round(performance.now() - started)} ms)`);
      } catch (error) {
        totals.failed++;
        console.log(`  failed: ${name}`);
        console.error(error);
        await workbench.shot(`failure-${totals.failed}`).catch(() => undefined);
      }
    }
  } finally {
    if (!isShared) await place.stop();
    else if (totals.failed > 0) await stage.strike();
    else await leave(place).catch(stage.strike);
  }

  return totals;
}

/** What suites are run on: the package, and a workbench that those share which need nothing special. */
export function createStage(vsix) {
  let place = null;
  const strike = async () => {
    await place?.stop();
    place = null;
  };

  return {
    vsix,
    async shared() {
      place ??= await startPlace(vsix);
      return place;
    },
    /** Ends the shared workbench: the next suite gets a new one. */
    strike,
  };
}

/** A workbench with the extension installed, and a browser. */
async function startPlace(vsix, prepare = () => undefined) {
  const sandbox = makeSandbox();
  installExtension(sandbox, vsix);
  prepare(sandbox);
  const server = await startServer(sandbox);
  const browser = await launchBrowser(sandbox);
  browser.page.setDefaultTimeout(TIMEOUT_MS);

  return {
    ...browser,
    sandbox,
    server,
    async stop() {
      await browser.context.close().catch(() => undefined);
      await server.stop();
      sandbox.dispose();
    },
  };
}

/** Closes the window, and waits for what ran behind it: the next suite looks at processes, too. */
async function leave({ page, sandbox }) {
  await page.goto('about:blank');
  await until('the end of the language server', () => processesOf(sandbox, 'server.cjs').length === 0);
}

/** The workbench in the hands of a person. */
function createWorkbench({ sandbox, server, topic, context, page }) {
  const editor = () => page.locator('.editor-instance .monaco-editor').first();
  const inWorkspace = (file) => join(sandbox.workspace, file);
  const shotFile = (name) => join(shots, `${topic}-${name}.png`);
  const panel = () => page.frameLocator('iframe.webview.ready').last().frameLocator('#active-frame');
  const visit = (file, folder) =>
    page.goto(
      workbenchUrl(
        server,
        folder ?? sandbox.workspace,
        file === undefined ? [] : [['openFile', remote(server, inWorkspace(file))]],
      ),
    );

  /** Waits for the server: its lens stands above the text of a config. */
  const isOpen = async () => {
    await page.locator('.part.statusbar').getByText('Quantization Config').waitFor();
    await editor().locator('.codelens-decoration').getByText('Run quantization').first().waitFor();
    await editor().locator('.view-line').first().click();
  };

  const open = async (file) => {
    await visit(file);
    await editor().locator('.view-line').first().waitFor();
    await isOpen();
  };

  return {
    page,
    context,
    sandbox,
    server,
    inWorkspace,
    editor,
    visit,
    shotFile,
    shot: (name) => page.screenshot({ path: shotFile(name) }),
    read: (file) => readFileSync(inWorkspace(file), 'utf8'),
    write: (file, text) => writeFileSync(inWorkspace(file), text),

    /** Opens a config in a fresh window. */
    open,

    /** Opens a config alone in the window that is there, within a second: messages and other editors go. */
    async openHere(file) {
      const isWindow = await page.locator('.part.statusbar .statusbar-item').first().isVisible();
      if (!isWindow || (await page.locator('.tab.dirty').count()) > 0) return open(file);
      const input = page.locator('.quick-input-widget:visible input').first();
      const found = page.locator('.quick-input-list .monaco-list-row.focused', { hasText: basename(file) });
      await again(page, async (patience) => {
        await page.keyboard.press(CLEAR_AND_ASK_FOR_FILE);
        await input.waitFor(patience);
        // By its whole path: the history holds files of the same name.
        await input.fill(inWorkspace(file));
        await found.waitFor(patience);
        await page.keyboard.press('Enter');
        await page.locator('.tab.active', { hasText: basename(file) }).waitFor(patience);
      });
      await isOpen();
    },

    /** Runs a command by its name in the palette. */
    command: (title) => runCommand(page, title),

    /** What lies in the panel that is in view: the report, a comparison, a chart. */
    panel,

    /** The report that is shown, once it is. */
    async report() {
      const shown = panel();
      await shown.getByRole('heading', { name: 'Quantization report' }).waitFor();
      return shown;
    },

    toast: (text) => page.locator('.notifications-toasts .notification-toast', { hasText: text }).first(),

    /** Chooses from the context menu of a row; again where the window was still busy and did not know the entry yet. */
    async choose(row, title) {
      const entry = page.locator('.monaco-menu').getByText(title);
      await again(page, async (patience) => {
        await row.click({ button: 'right' });
        // A click that comes within a tenth of a second after the menu is taken for the end of the one that opened it.
        await entry.hover(patience);
        await page.keyboard.press('Enter');
        await entry.waitFor({ ...patience, state: 'hidden' });
      });
    },

    /** A row of the list that asks something. */
    row: (text) => page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first(),

    /** A row of the view "Quantization". */
    historyRow: (text) => page.locator('.part.sidebar .monaco-list-row', { hasText: text }),
  };
}

/** How long the first answer is waited for; each time that something is asked again, twice as long. */
const FIRST_PATIENCE_MS = 1_500;
const LONGEST_PATIENCE_MS = 30_000;

/**
 * Does something, and again where it does not come to its end: an editor that is still busy with something else (its start, a
 * save, findings on their way) drops a question from the keyboard or answers it from before the findings came, and nothing
 * but asking again helps.
 */
async function again(page, attempt) {
  for (let timeout = FIRST_PATIENCE_MS; ; timeout *= 2) {
    try {
      return await attempt({ timeout });
    } catch (error) {
      if (timeout > LONGEST_PATIENCE_MS) throw error;
      await page.keyboard.press('Escape');
    }
  }
}

/** Asks until the answer is on the screen. */
export const askUntil = (page, ask, answer) =>
  again(page, async (patience) => {
    await ask();
    await answer.waitFor(patience);
  });

async function runCommand(page, title) {
  const input = page.locator('.quick-input-widget:visible input').first();
  // Others may have all of its words, too.
  const found = page.locator(`.quick-input-list .monaco-list-row[aria-label^="${title}"]`).first();
  await again(page, async (patience) => {
    await page.keyboard.press('F1');
    await input.waitFor(patience);
    await input.fill(`>${title}`);
    await found.click(patience);
  });
  // A command may ask something at once, in the same place.
  const palette = page.locator('.quick-input-widget:visible input[aria-label^="Type the name of a command"]');
  await palette.waitFor({ state: 'hidden' });
}

/** Asks again and again until the answer is not false; a test that waits says for what. */
export async function until(what, ask, limit = TIMEOUT_MS) {
  const end = Date.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined && answer !== null) return answer;
    if (Date.now() > end) throw new Error(`Timed out waiting for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The document inside a webview. */
export async function frameOf(panel) {
  const body = await panel.locator('body').elementHandle();
  return body.ownerFrame();
}

/** The document whose page has a title, among those of all webviews; one that is hidden or still empty must not be waited for. */
export const frameTitled = (page, title) =>
  until(`the page "${title}"`, async () => {
    const views = page.locator('iframe.webview.ready');
    for (let index = (await views.count()) - 1; index >= 0; index--) {
      const shown = views.nth(index).contentFrame().frameLocator('#active-frame');
      if (await shown.getByRole('heading', { name: title, level: 1 }).isVisible()) return frameOf(shown);
    }

    return false;
  });

/** Processes of a sandbox whose command line names a bundle: "engine.cjs", "server.cjs". */
export function processesOf(sandbox, bundle) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const words = read(`/proc/${pid}/cmdline`).split('\0');
      const isZombie = / Z /.test(read(`/proc/${pid}/stat`).replace(/\(.*\)/, ''));
      return !isZombie && words.some((word) => word.startsWith(sandbox.root) && word.endsWith(`/${bundle}`));
    });
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What a run puts beside its output while it works. */
export const leftovers = (folder) =>
  readdirSync(folder).filter((name) => /^\..*\.quantsmith$|\.tmp|\.restore\.jsonl$/.test(name));

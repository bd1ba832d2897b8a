import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

const root = join(import.meta.dirname, '../..');

interface MaySkip {
  readonly file: string;
  /** A test, or a `describe` with all its tests. */
  readonly name: string;
  readonly reason: string;
}

/**
 * Counts the tests that were skipped and names them. In CI a skip that test/maySkip.json does not allow fails the run,
 * and so does an entry there that names nothing. With -t or .only every other test counts as skipped, so nothing is said.
 */
export default class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.some(isNarrowed)) return;
    const allowed = JSON.parse(readFileSync(join(root, 'test/maySkip.json'), 'utf8')) as MaySkip[];
    const found = modules.map(skipsOf);
    const names = new Set(modules.flatMap(namesOf));
    const skips = found.flatMap(({ skips }) => skips);
    const unlisted = skips.filter((skip) => !allowed.some((entry) => keyOf(entry) === skip));
    const files = new Set(modules.map(fileOf));
    const stale = allowed.filter((entry) => files.has(entry.file) && !names.has(keyOf(entry))).map(keyOf);
    const gone = allowed.filter(({ file }) => !existsSync(join(root, file))).map(keyOf);

    const lines = [
      `${found.reduce((sum, { count }) => sum + count, 0)} tests skipped, in ${skips.length} places`,
      ...skips.map((skip) => `  ${skip}${unlisted.includes(skip) ? ' (not in test/maySkip.json)' : ''}`),
      ...[...stale, ...gone].map((entry) => `  ${entry}: listed in test/maySkip.json, but no such test`),
    ];
    console.log(`\n${lines.join('\n')}`);
    const summary = process.env['QUANTSMITH_SKIPS'];
    if (summary !== undefined) writeFileSync(summary, `${lines.join('\n')}\n`);

    if (process.env['CI'] === 'true' && unlisted.length + stale.length + gone.length > 0)
      process.exitCode = 1;
  }
}

const fileOf = (module: TestModule) => relative(root, module.moduleId).replaceAll('\\', '/');

const keyOf = ({ file, name }: { readonly file: string; readonly name: string }) => `${file}: ${name}`;

const isNarrowed = (module: TestModule) => module.project.config.testNamePattern !== undefined;

function namesOf(module: TestModule): string[] {
  const children = [...module.children.allSuites(), ...module.children.allTests()];
  return children.map(({ fullName }) => keyOf({ file: fileOf(module), name: fullName }));
}

/** The outermost skipped suites and tests of a module, and how many tests they come to. */
function skipsOf(module: TestModule): { skips: string[]; count: number } {
  const suites = [...module.children.allSuites()].filter(({ options }) => options.mode === 'skip');
  const within = (name: string) => suites.some(({ fullName }) => name.startsWith(`${fullName} > `));
  const tests = [...module.children.allTests()].filter((test) => test.result().state === 'skipped');
  const outermost = [...suites, ...tests].map(({ fullName }) => fullName).filter((name) => !within(name));
  return { skips: outermost.map((name) => keyOf({ file: fileOf(module), name })), count: tests.length };
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkConfigFile } from '@quantsmith/server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeProject } from './project.js';
import { writtenConfigs } from './written.js';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantsmith-written-'));
  await writeProject(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function findings(name: string, text: string) {
  const file = join(folder, name);
  writeFileSync(file, text);
  const found = (await checkConfigFile(file)).findings.filter(
    ({ severity }) => severity === 'error' || severity === 'warning',
  );
  rmSync(file);
  return found.map(({ range, code, severity, message }) => ({
    line: range.start.line,
    code,
    severity,
    message,
  }));
}

it.each(['sound-seen', 'sound-unseen', 'sound-run', 'sound-blind', 'sound-later'].flatMap(writtenConfigs))(
  '$name is sound: nothing is said',
  async ({ name, text }) => {
    expect(await findings(name, text)).toEqual([]);
  },
);

it.each(
  ['unsound-seen', 'unsound-unseen', 'unsound-run', 'unsound-blind', 'unsound-later'].flatMap(writtenConfigs),
)('$name is unsound: it is said on its line', async ({ name, text, line }) => {
  const found = await findings(name, text);
  expect(
    found.map(({ message }) => message).filter((message) => message.includes(folder)),
    'findings are the same on every machine',
  ).toEqual([]);
  expect(
    found.map((finding) => finding.line),
    JSON.stringify(found, null, 1),
  ).toContain(line);
  // Several items of a list may each be out of range.
  const errors = found.filter(({ code, severity }) => severity === 'error' && code !== 'out-of-range');
  const places = errors.map((finding) => finding.line);
  expect(places, 'one cause is told once').toEqual([...new Set(places)]);
});

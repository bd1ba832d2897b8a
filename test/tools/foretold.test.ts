import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { CODES } from '../../service/src/findings/codes.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What says nothing of a config, a model or data: the machine, the process, or files that another run writes. */
const ELSEWHERE =
  /^(emulator-missing|internal-.*|model-changed|nothing-to-resume|output-busy|report-unreadable|runtime-missing|scratch-failed|labels-class|store-.*|samples-differ|unit-refused)$/;

/** Codes that code of the engine throws, however the call is wrapped. */
function thrown(): string[] {
  const files = ['engine/src', 'model/src'].flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file}`),
  );
  const codes = files.flatMap((file) => {
    const text = readFileSync(`${ROOT}${file}`, 'utf8');
    const calls = [
      ...text.matchAll(/\bfail\(\s*'([a-z-]+)'/g),
      ...text.matchAll(/\bwhat: [^}]*?code: '([a-z-]+)'/g),
    ];
    return calls.map(([, code = '']) => code);
  });
  return [...new Set(codes)].filter((code) => !ELSEWHERE.test(code)).sort();
}

/** The table of docs/errors.md: what check says, and what it leaves to the run. */
function table(): Map<string, { said: string[]; left: string }> {
  const page =
    readFileSync(`${ROOT}docs/errors.md`, 'utf8').split('# What check reports in advance')[1] ?? '';
  const rows = [...page.matchAll(/^\| `([a-z-]+)` *\| ([^|]*)\|([^|]*)\|$/gm)];
  return new Map(
    rows.map(([, code = '', said = '', left = '']) => [
      code,
      { said: [...said.matchAll(/#([a-z-]+)/g)].map(([, one = '']) => one), left: left.trim() },
    ]),
  );
}

it('of each code that a run can end with it is told what check says, or why it cannot', () => {
  const rows = table();
  expect(thrown().length).toBeGreaterThan(50);
  expect(thrown().filter((code) => !rows.has(code))).toEqual([]);
  expect([...rows].filter(([, { said, left }]) => said.length === 0 && left === '')).toEqual([]);
  const known: readonly string[] = CODES;
  expect([...rows.values()].flatMap(({ said }) => said).filter((code) => !known.includes(code))).toEqual([]);
});

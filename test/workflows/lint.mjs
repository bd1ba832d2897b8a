// What GitHub, Compose and Docker read, against the schemas that their users keep (those of SchemaStore, which check-jsonschema has
// inside) and by hadolint. Needs Python and PyPI, and so is no part of `npm test`.
//
//   node test/workflows/lint.mjs
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { venvPrograms } from '../../scripts/venv.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const programs = venvPrograms('linters', fileURLToPath(new URL('requirements.txt', import.meta.url)));
const filesOf = (folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
const forms = filesOf('.github/ISSUE_TEMPLATE');

/** Files by the schema that they follow. */
const FILES = {
  'github-workflows': [
    ...filesOf('.github/workflows'),
    'examples/scale/github.yml',
    'examples/scale/github-shares.yml',
  ],
  'github-actions': ['action.yml'],
  dependabot: ['.github/dependabot.yml'],
  'github-issue-forms': forms.filter((name) => !name.endsWith('/config.yml')),
  'github-issue-config': forms.filter((name) => name.endsWith('/config.yml')),
  'compose-spec': ['examples/scale/compose.yaml'],
};

const commands = [
  ...Object.entries(FILES).map(([schema, files]) => [
    'check-jsonschema',
    ...['--builtin-schema', `vendor.${schema}`],
    ...files,
  ]),
  ['hadolint', 'Dockerfile'],
];
for (const [program, ...args] of commands) {
  console.log([program, ...args].join(' '));
  const { status } = spawnSync(join(programs, program), args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

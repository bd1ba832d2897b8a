// Every step of the workflows and of the action, and whether a bare machine can run it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** What only GitHub, an account or another system has. A step that none of these names is run here. */
const ELSEWHERE = [
  [/^uses: actions\/checkout/, 'a clone takes its place'],
  [/^uses: actions\/setup-node/, 'the Node of this machine takes its place'],
  [/^uses: \.\//, 'the steps of action.yml, listed below'],
  [/^uses: /, "an action of GitHub's, which only its runners have"],
  [/^docker /m, 'needs a Docker daemon'],
  [/\bsudo\b/, 'what CI itself runs: .ci/run, as root'],
  [/npm publish|vsce publish|ovsx publish/, 'publishes, and needs an account'],
  [/^gh /m, "needs GitHub's API"],
];

/** Expressions that a runner fills in, as they are on a machine without GitHub. */
const VALUES = {
  'github.ref_name': `v${version}`,
  'inputs.package': `./quantsmith-${version}.tgz`,
  'inputs.configs': 'examples/digits/digits-default.quant.yaml',
  'inputs.run': 'true',
  'inputs.limits': '--max-drop 0.01',
  'inputs.fail-on': 'error',
  'inputs.allow-modules': 'false',
  'github.base_ref': '',
  'github.action_path': '.',
};

/** @returns the text with its expressions filled in; `runner.temp` is a folder of the caller's */
export const filledIn = (text, temporary) =>
  text.replaceAll(/\$\{\{ *([\w.-]+) *\}\}/g, (_, name) =>
    name === 'runner.temp' ? temporary : (VALUES[name] ?? ''),
  );

/** @returns all steps in the order of the files: where each is, what it says, and why it is not run (null: it is) */
export function steps() {
  const workflows = readdirSync(join(root, '.github/workflows')).map((name) => `.github/workflows/${name}`);
  return [...workflows, 'action.yml'].flatMap((file) => {
    const content = parse(readFileSync(join(root, file), 'utf8'));
    const jobs = content.jobs ?? { action: content.runs };
    return Object.entries(jobs).flatMap(([job, { steps: listed, env = {} }]) =>
      listed.map((step) => {
        const text = step.uses === undefined ? step.run.trim() : `uses: ${step.uses}`;
        const [, why = null] = ELSEWHERE.find(([pattern]) => pattern.test(text)) ?? [];
        return { file, job, text, env: { ...env, ...step.env }, why };
      }),
    );
  });
}

// What GitHub, pre-commit and editors take of the files that they read, by their documentation: keys, types and values. Only
// what these files use is written out, so a new key has to be looked up before it is used.
const text = { type: 'string', minLength: 1 };
const list = (items) => ({ type: 'array', items, minItems: 1 });
const record = (properties, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

const dependabot = record({
  version: { const: 2 },
  updates: list(
    record(
      {
        'package-ecosystem': { enum: ['npm', 'github-actions', 'docker', 'devcontainers'] },
        directory: { type: 'string', pattern: '^/' },
        schedule: record({ interval: { enum: ['daily', 'weekly', 'monthly', 'quarterly'] } }),
        groups: {
          type: 'object',
          additionalProperties: record({ 'dependency-type': { enum: ['development', 'production'] } }),
        },
      },
      ['package-ecosystem', 'directory', 'schedule'],
    ),
  ),
});

/** A form of issues: `render` is for text areas only, and no two elements share an id or a label. */
const element = (type, attributes) =>
  record(
    {
      type: { const: type },
      id: { type: 'string', pattern: '^[\\w-]+$' },
      attributes: record({ label: text, description: text, placeholder: text, ...attributes }, ['label']),
      validations: record({ required: { type: 'boolean' } }),
    },
    ['type', 'attributes'],
  );
const form = record(
  {
    name: text,
    description: text,
    title: text,
    labels: list(text),
    body: list({
      oneOf: [element('textarea', { render: text, value: text }), element('input', { value: text })],
    }),
  },
  ['name', 'description', 'body'],
);

const step = {
  oneOf: [
    record(
      {
        uses: { type: 'string', pattern: '@|^\\./' },
        with: { type: 'object' },
        if: text,
        id: text,
        name: text,
      },
      ['uses'],
    ),
    // A composite action has no default shell.
    record({ run: text, shell: text, env: { type: 'object' }, if: text, id: text, name: text }, [
      'run',
      'shell',
    ]),
  ],
};
const value = (more) => record({ description: text, ...more }, ['description']);
const action = record({
  name: text,
  description: { ...text, maxLength: 125 },
  branding: record({
    icon: text,
    color: { enum: ['white', 'yellow', 'blue', 'green', 'orange', 'red', 'purple', 'gray-dark'] },
  }),
  // GitHub passes inputs as strings: a default that is a boolean surprises those who compare it.
  inputs: {
    type: 'object',
    additionalProperties: value({ default: { type: 'string' }, required: { type: 'boolean' } }),
  },
  outputs: { type: 'object', additionalProperties: value({ value: text }) },
  runs: record({ using: { const: 'composite' }, steps: list(step) }),
});

const hooks = list(
  record(
    {
      id: text,
      name: text,
      description: text,
      entry: text,
      language: { enum: ['node', 'system', 'unsupported'] },
      files: { type: 'string', format: 'regex' },
      additional_dependencies: list(text),
    },
    ['id', 'name', 'entry', 'language'],
  ),
);

const devcontainer = record(
  {
    name: text,
    image: { type: 'string', pattern: '^[\\w./-]+:[\\w.-]+$' },
    postCreateCommand: text,
    customizations: record({
      vscode: record({ extensions: list({ type: 'string', pattern: '^[\\w-]+\\.[\\w-]+$' }) }),
    }),
  },
  ['name', 'image'],
);

/** By path; a folder stands for its files. */
export const SCHEMAS = {
  '.github/dependabot.yml': dependabot,
  '.github/ISSUE_TEMPLATE/editor.yml': form,
  '.github/ISSUE_TEMPLATE/wrong-result.yml': form,
  '.github/ISSUE_TEMPLATE/config.yml': record({ blank_issues_enabled: { type: 'boolean' } }),
  'action.yml': action,
  '.pre-commit-hooks.yaml': hooks,
  '.devcontainer/devcontainer.json': devcontainer,
};

import eslint from '@eslint/js';
import stylistic from '@stylistic/eslint-plugin';
import tseslint from 'typescript-eslint';

const restricted = (...syntax) => ({ 'no-restricted-syntax': ['error', ...syntax] });

/** Spread into a call, a large array overflows the stack: append, largest and smallest of schemas do not. */
const NO_SPREAD = {
  selector:
    'CallExpression[callee.property.name=/^(push|unshift|max|min|fromCharCode)$/] > SpreadElement.arguments',
  message: 'Use append, largest or smallest.',
};

/** A path that code spells out is one of the schema, and checked as such. */
const NO_LITERAL_PATH = {
  selector: 'CallExpression[callee.name="writtenPath"] > ArrayExpression > Literal',
  message: 'Write the path itself: writtenPath is for what comes from outside.',
};

/** Locals are named after what they hold, parts of speech say nothing. */
const VAGUE = '[name=/^(at|of|so|own|said|told|heard|borders|lanes|found|one|each|most)$/]';
const NO_VAGUE_LOCAL = {
  selector: [
    `VariableDeclarator > Identifier.id${VAGUE}`,
    `:function > Identifier.params${VAGUE}`,
    `FunctionDeclaration > Identifier.id${VAGUE}`,
    `:matches(ObjectPattern > Property, AssignmentPattern) > Identifier:matches(.value, .left)${VAGUE}`,
    `ArrayPattern > Identifier${VAGUE}`,
  ].join(', '),
  message: 'Name it after what it holds.',
};

const NO_RAW_OUTPUT = {
  selector:
    "CallExpression[callee.property.name='write'][callee.object.object.name='process'][callee.object.property.name=/^std/]",
  message: 'Print by terminal.ts.',
};

// Who may import whom is held by .dependency-cruiser.mjs.
export default tseslint.config(
  {
    ignores: [
      '**/node_modules',
      'dist',
      '**/generated/**',
      'model/src/onnx/onnx_pb.ts',
      'test/e2e/out',
      'coverage',
      '.tools',
      'bench/.venv',
      'bench/out',
      'site/dist',
      'site/.vitepress/cache',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    plugins: { '@stylistic': stylistic },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setImmediate: 'readonly',
        performance: 'readonly',
        structuredClone: 'readonly',
        AbortController: 'readonly',
        AbortSignal: 'readonly',
        TextDecoder: 'readonly',
        TextEncoder: 'readonly',
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // noUncheckedIndexedAccess makes every element of an array possibly undefined, also in loops over its length. How
      // many assertions there are is held by scripts/budget.json.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // TypeScript keeps what it knows of a variable across awaits and callbacks, where it no longer holds.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // ONNX keeps its enumerations in fields of plain integers.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // The editor takes any object with a dispose function for a Disposable.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      eqeqeq: 'error',
      'no-duplicate-imports': 'error',
      'prefer-const': 'error',
      // A block ends a paragraph of thought.
      '@stylistic/padding-line-between-statements': [
        'error',
        { blankLine: 'always', prev: 'multiline-block-like', next: '*' },
      ],
    },
  },
  {
    files: ['report/page/**/*.ts', 'webview/src/**/*.ts'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'document',
          'getComputedStyle',
          'Element',
          'HTMLElement',
          'HTMLTableElement',
          'Image',
          'XMLSerializer',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  // A later entry replaces what an earlier one restricts, so each names all that holds for its files.
  { files: ['*/src/**/*.ts'], rules: restricted(NO_SPREAD, NO_LITERAL_PATH, NO_VAGUE_LOCAL) },
  { files: ['client/src/**/*.ts'], rules: restricted(NO_LITERAL_PATH, NO_VAGUE_LOCAL) },
  { files: ['cli/src/**/*.ts'], rules: restricted(NO_LITERAL_PATH, NO_RAW_OUTPUT, NO_VAGUE_LOCAL) },
  {
    // Vitest's matchers are of type any.
    files: ['**/test/**/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off' },
  },
  {
    // Any path may lead to a FIFO or a device: model/files opens regular files only, and writes whole ones.
    files: ['{model,engine,server,api,cli}/src/**/*.ts'],
    ignores: [
      'model/src/files/**',
      // What the system or this program itself has put there.
      'engine/src/{processes/owner,runtime/cpu,runtime/kernelTimes,runtime/optimized}.ts',
      // What a module that may run imports.
      'engine/src/data/modules/{hooks,host}.ts',
      'api/src/explain.ts',
    ],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: ['node:fs', 'node:fs/promises'].map((name) => ({
            name,
            importNames: [
              'readFile',
              'readFileSync',
              'open',
              'openSync',
              'createReadStream',
              'createWriteStream',
            ],
            message: 'Read and write by model/files.',
          })),
        },
      ],
    },
  },
  {
    // Commander gives the options of a command as any.
    files: ['cli/src/main.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  {
    // Names from files reach a terminal through terminal.ts only, which lets none of them forge lines, colours or commands.
    files: ['cli/src/**/*.ts'],
    ignores: ['cli/src/output/terminal.ts', 'cli/src/output/exitCodes.ts'],
    rules: { 'no-restricted-globals': ['error', { name: 'console', message: 'Print by terminal.ts.' }] },
  },
  { files: ['cli/src/output/{terminal,exitCodes}.ts'], rules: restricted(NO_LITERAL_PATH, NO_VAGUE_LOCAL) },
  { files: ['**/*.{js,mjs}'], ...tseslint.configs.disableTypeChecked },
);

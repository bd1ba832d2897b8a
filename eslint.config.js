import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Which packages each part may not import: the arrows of ARCHITECTURE.md, turned around. */
const FORBIDDEN = {
  schemas: ['vscode*', '@quantsmith/*', 'onnxruntime*', 'yaml'],
  model: ['vscode*', '@quantsmith/*', '!@quantsmith/schemas', 'onnxruntime*', 'yaml'],
  engine: [
    'vscode*',
    '@quantsmith/server*',
    '@quantsmith/service*',
    '@quantsmith/cli*',
    '@quantsmith/client*',
    'yaml',
  ],
  service: [
    'vscode',
    'vscode-languageclient*',
    'vscode-languageserver',
    'vscode-languageserver/*',
    '@quantsmith/cli*',
    '@quantsmith/client*',
    '@quantsmith/server*',
    'onnxruntime*',
    'sharp',
  ],
  server: [
    'vscode',
    'vscode-languageclient*',
    '@quantsmith/cli*',
    '@quantsmith/client*',
    'onnxruntime*',
    'sharp',
  ],
  api: ['vscode*', '@quantsmith/cli*', '@quantsmith/client*', 'onnxruntime*', 'sharp'],
  cli: ['vscode', 'vscode-languageclient*', '@quantsmith/client*', 'onnxruntime*', 'sharp'],
  report: ['vscode*', '@quantsmith/*', '!@quantsmith/schemas', 'node:fs*', 'onnxruntime*', 'yaml'],
  client: ['@quantsmith/*', '!@quantsmith/report', '!@quantsmith/schemas', 'onnxruntime*', 'sharp', 'yaml'],
};

export default tseslint.config(
  {
    ignores: [
      '**/node_modules',
      'dist',
      '**/generated/**',
      'model/src/onnx/onnx_pb.ts',
      'test/e2e/out',
      '.tools',
      'bench/.venv',
      'bench/out',
    ],
  },
  eslint.configs.recommended,
  ...tseslint.configs.recommended,
  {
    languageOptions: {
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
      eqeqeq: 'error',
      'prefer-const': 'error',
    },
  },
  ...Object.entries(FORBIDDEN).map(([part, group]) => ({
    files: [`${part}/src/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group, message: `${part}/ must not import this: see ARCHITECTURE.md.` },
            { group: ['../../*/src/**'], message: 'Import other parts by their package name.' },
          ],
        },
      ],
    },
  })),
);

import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { globSync } from 'tinyglobby';
import { CONFIG_NAMES, NOT_SEARCHED } from './configFiles.js';

/** Folders below the working folder that completion looks into: a shell must not wait. */
const DEPTH = 4;

/** What the arguments of commands are, by their names in the help. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  config: CONFIG_NAMES,
  model: ['**/*.onnx'],
  report: ['**/*.report.json', '**/*.int8.onnx'],
  a: ['**/*.report.json', '**/*.onnx'],
  b: ['**/*.report.json', '**/*.onnx'],
  'model or config': ['**/*.onnx', ...CONFIG_NAMES],
};

/**
 * Adds `quantsmith complete SHELL`, which prints a completion script (bash, zsh, fish, powershell), and what such a script
 * calls: commands, options and their values, and the configs, models and reports that lie near.
 */
export function addCompletion(program: Command): void {
  const completion = tab(program);
  for (const command of completion.commands.values()) {
    for (const [name, argument] of command.arguments) {
      const patterns = FILES[name];
      if (patterns === undefined) continue;
      argument.handler = (complete) => {
        const paths = globSync([...patterns], { ignore: [...NOT_SEARCHED], deep: DEPTH });
        for (const file of paths.sort()) complete(file, '');
      };
    }
  }
}

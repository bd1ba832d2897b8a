import * as vscode from 'vscode';

/** The search knows no braces within braces. */
const NAMES = ['*.quant', 'quantization'].flatMap((name) =>
  ['yaml', 'yml', 'json', 'jsonc'].map((extension) => `${name}.${extension}`),
);

const PATTERN = `**/{${NAMES.join(',')}}`;
const EXCLUDED = '**/{node_modules,.quantsmith}/**';
const MAX_CONFIGS = 1000;

/** The configs of the workspace, by path. */
export async function findConfigs(): Promise<vscode.Uri[]> {
  const files = await vscode.workspace.findFiles(PATTERN, EXCLUDED, MAX_CONFIGS);
  return files.sort((a, b) => a.path.localeCompare(b.path));
}

/** Tells when configs come, go or change. */
export const watchConfigs = (): vscode.FileSystemWatcher => vscode.workspace.createFileSystemWatcher(PATTERN);

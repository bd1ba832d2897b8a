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

/** Tells when configs come or go, alone or with their folder: that of a window on several may come after its views. */
export function watchConfigs(changed: () => void): vscode.Disposable {
  const watcher = vscode.workspace.createFileSystemWatcher(PATTERN);
  watcher.onDidCreate(changed);
  watcher.onDidDelete(changed);
  return vscode.Disposable.from(watcher, vscode.workspace.onDidChangeWorkspaceFolders(changed));
}

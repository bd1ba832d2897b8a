import * as vscode from 'vscode';

const PATTERN = '**/{*.quant.{yaml,yml,json,jsonc},quantization.{yaml,yml,json,jsonc}}';
const EXCLUDED = '**/{node_modules,.quantsmith}/**';
const MAX_CONFIGS = 1000;

/** The configs of the workspace, by path. */
export async function findConfigs(): Promise<vscode.Uri[]> {
  const found = await vscode.workspace.findFiles(PATTERN, EXCLUDED, MAX_CONFIGS);
  return found.sort((a, b) => a.path.localeCompare(b.path));
}

/** Tells when configs come, go or change. */
export const watchConfigs = (): vscode.FileSystemWatcher => vscode.workspace.createFileSystemWatcher(PATTERN);

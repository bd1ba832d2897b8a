import * as vscode from 'vscode';

/** Leads to what keeps the modules of configs from running: trust in the workspace, else its setting. */
export async function manageTrust(): Promise<void> {
  if (!vscode.workspace.isTrusted) {
    await vscode.commands.executeCommand('workbench.trust.manage');
    return;
  }

  const hasFolder = vscode.workspace.workspaceFolders !== undefined;
  const command = hasFolder ? 'workbench.action.openWorkspaceSettings' : 'workbench.action.openSettings';
  await vscode.commands.executeCommand(command, { query: 'quantsmith.allowModules' });
}

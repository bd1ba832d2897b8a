import * as vscode from 'vscode';

/** Leads to what keeps the modules of configs from running: trust in the workspace, else the setting. */
export async function manageTrust(): Promise<void> {
  await (vscode.workspace.isTrusted
    ? vscode.commands.executeCommand('workbench.action.openSettings', 'quantsmith.allowModules')
    : vscode.commands.executeCommand('workbench.trust.manage'));
}

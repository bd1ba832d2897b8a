import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { startServer } from './connection.js';

// VS Code's client forks this file and says on the command line how to talk (node IPC or stdio); other editors use stdio.
const explicit = process.argv.some((argument) => /^--(stdio|node-ipc|socket|pipe)/.test(argument));
if (explicit) startServer(createConnection(ProposedFeatures.all));
else startServer();

import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { keepHeapSmall } from './client/stdio.js';
import { startOnStdio, startServer } from './connection.js';

// VS Code's client forks this file and says on the command line how to talk; standard input and output is what others use.
const isElsewhere = process.argv.some((argument) => /^--(node-ipc|socket|pipe)/.test(argument));
if (isElsewhere) {
  keepHeapSmall();
  startServer(createConnection(ProposedFeatures.all));
} else startOnStdio();

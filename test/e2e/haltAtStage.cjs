// Loaded into every Node of a sandbox (NODE_OPTIONS): an engine halts itself as soon as it has said that it is at the stage that
// a file names, so that a kill hits that stage, however short it is.
const { readFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

const file = process.env.QUANTSMITH_HALT_FILE;
if (isMainThread && file !== undefined && process.argv[1]?.endsWith('/engine.cjs')) {
  const stage = readFileSync(file, 'utf8');
  const { send } = process;
  let isReached = false;
  process.send = function (message, ...rest) {
    const isSent = send.call(this, message, ...rest);
    if (!isReached && message?.type === 'progress' && message.stage === stage) {
      isReached = true;
      process.kill(process.pid, 'SIGSTOP');
    }

    return isSent;
  };
}

// Puts programs in place that tests start (Debian, root): QEMU's user mode, on which they run models on a CPU that saturates, and a
// Redis server, which is the same file as this tool of it (the package redis-server would start one for good). Idempotent.
import { installPackages } from './debian.mjs';

installPackages([
  ['/usr/bin/qemu-x86_64', 'qemu-user'],
  ['/usr/bin/redis-check-rdb', 'redis-tools'],
]);
console.log('The emulator and Redis are ready.');

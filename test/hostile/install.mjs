// Puts strace in place, by which a test sees what the programs do (Debian, root). Idempotent.
import { installPackages } from '../debian.mjs';

installPackages([['/usr/bin/strace', 'strace']]);
console.log('strace is ready.');

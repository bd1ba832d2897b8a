// Puts QEMU's user mode in place, on which tests run models on a CPU that saturates (Debian, root). Idempotent.
import { installPackages } from './debian.mjs';

installPackages([['/usr/bin/qemu-x86_64', 'qemu-user']]);
console.log('The emulator is ready.');

import { fail } from '@quantsmith/schemas';
import { enterFolder, type Lock } from '../processes/lock.js';
import type { Owner } from '../processes/owner.js';

/** Takes an output by its staging folder. Throws `output-busy` when another run has the output, `output-unusable`. */
export async function takeLock(folder: string, output: string): Promise<Lock> {
  const entered = await enterFolder(folder, { shared: false });
  switch (entered.state) {
    case 'taken':
      return entered.lock;
    case 'busy':
      return busy(output, entered.owner);
    case 'not-a-folder':
      return fail('output-unusable', `The output ${output} cannot be written: ${folder} is not a folder.`, {
        file: output,
      });
    case 'contended':
      return fail('output-busy', `${output} is being written by other runs, one after the other.`, {
        file: output,
      });
  }
}

function busy(output: string, { pid, host, since }: Owner): never {
  return fail(
    'output-busy',
    `${output} is being written by another run: process ${pid} on ${host}${since === '' ? '' : `, since ${since}`}.`,
    { file: output, data: { pid, host } },
  );
}

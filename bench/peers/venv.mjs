// The virtual environment with the peers, with the versions of requirements.txt.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { venvPrograms } from '../../scripts/venv.mjs';

/** The path of a Python that has the peers installed. Throws with pip's words when that cannot be done. */
export function peersPython() {
  const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));
  return join(venvPrograms('peers', requirements), 'python');
}

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, serverCommand } from './folder.js';

/** The code blocks of a section of docs/editors.md, as a reader copies them. */
export function snippets(section: RegExp, language: string): string[] {
  const page = readFileSync(join(root, 'docs/editors.md'), 'utf8');
  const found = page.split(/^## /m).filter((part) => section.test(part.split('\n')[0]!));
  return found.flatMap((part) =>
    [...part.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code!),
  );
}

/** A folder with the command `quantsmith`, for PATH. */
export function commandFolder(scratch: string): string {
  const folder = join(scratch, '.bin');
  mkdirSync(folder, { recursive: true });
  const [node, program] = serverCommand();
  writeFileSync(join(folder, 'quantsmith'), `#!/bin/sh\nexec '${node}' '${program}' "$@"\n`);
  chmodSync(join(folder, 'quantsmith'), 0o755);

  return folder;
}

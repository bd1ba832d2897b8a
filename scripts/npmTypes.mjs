// The types of the npm package: what a door exports, with everything that it refers to, in one file.
import { generateDtsBundle } from 'dts-bundle-generator';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './bundle.mjs';

/** The declarations of the files `api/src/<name>.ts`, in their order. */
export function rolledUpTypes(names) {
  const project = join(root, 'dist/types/tsconfig.json');
  mkdirSync(join(root, 'dist/types'), { recursive: true });
  writeFileSync(project, JSON.stringify(config(), null, 2));
  return generateDtsBundle(
    names.map((name) => ({
      filePath: join(root, `api/src/${name}.ts`),
      output: { noBanner: true, exportReferencedTypes: false },
    })),
    { preferredConfigPath: project },
  );
}

/** The repository's settings, with the parts found by their paths: the generator does not follow links between them. */
function config() {
  const parts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).workspaces;
  const doors = parts.flatMap((part) => {
    const { name, exports = {} } = JSON.parse(readFileSync(join(root, part, 'package.json'), 'utf8'));
    return Object.entries(exports)
      .filter(([door]) => !door.includes('*'))
      .map(([door, file]) => [join(name, door).replaceAll('\\', '/'), [join(root, part, file)]]);
  });
  return {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { paths: Object.fromEntries(doors), noEmit: false, declaration: true },
    include: [join(root, 'api/src')],
  };
}

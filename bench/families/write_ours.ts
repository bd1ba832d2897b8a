import { mkdirSync, writeFileSync } from 'node:fs';
import { encodeModel } from '@quantsmith/model/onnx';
import { FAMILIES } from '../../test/kit/families.js';
import { writeNpy } from '../../test/kit/npy.js';

/** Writes each family's network and samples into the folder that the first argument names. */
const [, , folder = ''] = process.argv;
mkdirSync(folder, { recursive: true });
const names = Object.entries(FAMILIES).map(([name, family], index) => {
  const base = `${folder}/${index}`;
  writeFileSync(`${base}.onnx`, encodeModel(family.network));
  for (const part of ['calibration', 'validation'] as const) {
    writeNpy(
      `${base}.${part}.npy`,
      family[part].map((data) => ({ shape: family.shape, data })),
    );
  }

  return name;
});
writeFileSync(`${folder}/names.json`, JSON.stringify(names));

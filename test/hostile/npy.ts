/** The bytes of an .npy file. `descr`: NumPy's name of the element type. */
export function npyOf(descr: string, shape: readonly number[], values: Uint8Array): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }\n`;
  const magic = [0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8];
  return Buffer.concat([Buffer.from(magic), Buffer.from(header), values]);
}

// The platforms that Quantsmith is shipped for, and the parts of ONNX Runtime that each needs.
import { cpSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './bundle.mjs';

export const PLATFORMS = ['linux-x64', 'linux-arm64', 'win32-x64', 'win32-arm64', 'darwin-arm64'];

export const HERE = `${process.platform}-${process.arch}`;

/**
 * Parts for GPUs, and the second copy of the library for Macs: the binding loads the one without the minor version. DirectML and
 * the shader compilers on Windows are for providers that no session of ours asks for: the runtime's import is a delayed one.
 */
const UNUSED = /cuda|tensorrt|DirectML|dxcompiler|dxil|libonnxruntime\.\d+\.\d+\.\d+\.dylib$/i;

const isScript = (path) => /\.[cm]?js$/.test(path) || path.endsWith('package.json');

/** Copies the package `onnxruntime-node` for one platform, without types, maps and install scripts. */
export function copyRuntime(platform, folder) {
  const [os, arch] = platform.split('-');
  const installed = join(root, 'node_modules/onnxruntime-node');
  copyPart(installed, folder, 'package.json');
  copyPart(installed, folder, 'dist', isScript);
  copyPart(installed, folder, `bin/napi-v6/${os}/${arch}`, (path) => !UNUSED.test(path));
}

/** Copies the package `onnxruntime-common`, which the runtime requires. */
export function copyRuntimeCommon(folder) {
  const installed = join(root, 'node_modules/onnxruntime-common');
  copyPart(installed, folder, 'package.json');
  copyPart(installed, folder, 'dist/cjs', isScript);
}

/** Copies a file or folder of a package; of a folder, the files to keep. */
export function copyPart(from, to, part, keep = () => true) {
  const source = join(from, part);
  if (!existsSync(source)) throw new Error(`${source} is not installed`);
  cpSync(source, join(to, part), {
    recursive: true,
    filter: (path) => statSync(path).isDirectory() || keep(path),
  });
}

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

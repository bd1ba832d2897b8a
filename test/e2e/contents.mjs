// What the VSIX holds: everything that the extension needs on one platform, and nothing else.
import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';

const [os, arch] = (process.env.VSCE_TARGET ?? `${process.platform}-${process.arch}`).split('-');
const MODULES = 'extension/dist/node_modules/';

const REQUIRED = [
  'extension/package.json',
  'extension/package.nls.json',
  'extension/package.nls.de.json',
  'extension/l10n/bundle.l10n.de.json',
  'extension/readme.md',
  'extension/changelog.md',
  'extension/client/media/icon.png',
  'extension/LICENSE.txt',
  'extension/THIRD-PARTY-NOTICES.txt',
  'extension/sbom.cdx.json',
  'extension/licenses/LGPL-3.0.txt',
  'extension/dist/extension.cjs',
  'extension/dist/server.cjs',
  'extension/dist/engine.cjs',
  'extension/dist/worker.cjs',
  'extension/dist/watch.cjs',
  'extension/dist/moduleBridge.cjs',
  'extension/dist/moduleHost.cjs',
  'extension/dist/moduleHooks.cjs',
  'extension/dist/pages/model.js',
  'extension/dist/pages/layoutWorker.js',
  'extension/client/language-configuration.json',
  'extension/client/syntaxes/quant-yaml.tmLanguage.json',
  `${MODULES}onnxruntime-node/bin/napi-v6/${os}/${arch}/onnxruntime_binding.node`,
  `${MODULES}onnxruntime-common/dist/cjs/index.js`,
  `${MODULES}sharp/package.json`,
  `${MODULES}@img/sharp-${os}-${arch}/package.json`,
];

/** What may be there: anything else is a source, a test, a second platform or a stray file. */
const ALLOWED = [
  /^\[Content_Types\]\.xml$|^extension\.vsixmanifest$/,
  /^extension\/(package(\.nls(\.de)?)?\.json|l10n\/bundle\.l10n(\.de)?\.json|readme\.md|changelog\.md|LICENSE\.txt)$/i,
  /^extension\/dist\/(extension|server|engine|worker|watch|module(Bridge|Host|Hooks))\.cjs$/,
  /^extension\/dist\/pages\/[\w-]+\.js$/,
  /^extension\/client\/(language-configuration[\w-]*|syntaxes\/[\w-]+\.tmLanguage)\.json$/,
  /^extension\/(THIRD-PARTY-NOTICES\.txt|sbom\.cdx\.json|licenses\/(L?GPL-3\.0|onnxruntime)\.txt)$/,
  /^extension\/docs\/[\w-]+\.md$/,
  /^extension\/client\/(media\/[\w-]+\.(svg|png)|walkthrough\/[\w-]+\.md)$/,
  /^extension\/examples\/digits\/(README\.md|digits[\w.-]*|data\/[\w-]+\.npy)$/,
  /^extension\/dist\/node_modules\/(onnxruntime-(node|common)|sharp|@img\/(colour|sharp-[\w-]+)|detect-libc|semver)\//,
];
const UNWANTED = /\.(ts|map|h|py)$|\.int8\.onnx|cuda|tensorrt/i;
const MAX_BYTES = 40e6;

/** Checks the package's list of files and its size. */
export function checkContents(vsix) {
  const names = [];
  const bytes = readFileSync(vsix);
  unzipSync(bytes, {
    filter: ({ name }) => {
      names.push(name);
      return false;
    },
  });
  const complaints = [
    ...REQUIRED.filter((name) => !names.includes(name)).map((name) => `missing: ${name}`),
    ...names
      .filter((name) => !ALLOWED.some((pattern) => pattern.test(name)) || UNWANTED.test(name))
      .map((name) => `should not be there: ${name}`),
    ...names
      .filter((name) => name.includes('/napi-v6/') && !name.includes(`/${os}/${arch}/`))
      .map((name) => `of another platform: ${name}`),
    ...(bytes.length > MAX_BYTES ? [`too large: ${bytes.length} bytes`] : []),
  ];
  for (const complaint of complaints) console.log(`  failed: ${complaint}`);
  if (complaints.length === 0)
    console.log(`  ok: ${names.length} files, ${(bytes.length / 1e6).toFixed(1)} MB`);
  return { passed: complaints.length === 0 ? 1 : 0, failed: complaints.length };
}

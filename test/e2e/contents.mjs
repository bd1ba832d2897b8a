// What the VSIX holds: everything that the extension needs on one platform, and nothing else.
import { readFileSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { unzipSync } from 'fflate';

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
  'extension/dist/languageClient.cjs',
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
];

/** Parts of one platform alone. */
const nativeParts = (os, arch) => [
  `${MODULES}onnxruntime-node/bin/napi-v6/${os}/${arch}/onnxruntime_binding.node`,
  `${MODULES}onnxruntime-common/dist/cjs/index.js`,
  `${MODULES}sharp/package.json`,
  `${MODULES}@img/sharp-${os}-${arch}/package.json`,
];

/** What may be there: anything else is a source, a test, a second platform or a stray file. */
const ALLOWED = [
  /^\[Content_Types\]\.xml$|^extension\.vsixmanifest$/,
  /^extension\/(package(\.nls(\.de)?)?\.json|l10n\/bundle\.l10n(\.de)?\.json|readme\.md|changelog\.md|LICENSE\.txt)$/i,
  /^extension\/dist\/(extension|languageClient|server|engine|worker|watch|module(Bridge|Host|Hooks))\.cjs$/,
  /^extension\/dist\/pages\/[\w-]+\.js$/,
  /^extension\/client\/(language-configuration[\w-]*|syntaxes\/[\w-]+\.tmLanguage)\.json$/,
  /^extension\/(THIRD-PARTY-NOTICES\.txt|sbom\.cdx\.json|licenses\/(L?GPL-3\.0|onnxruntime)\.txt)$/,
  /^extension\/(SECURITY|docs\/[\w-]+)\.md$/,
  /^extension\/docs\/images\/[\w-]+\.svg$/,
  /^extension\/client\/(media\/[\w-]+\.(svg|png)|walkthrough\/[\w-]+\.md)$/,
  /^extension\/examples\/digits\/(README\.md|digits[\w.-]*|data\/[\w-]+\.npy)$/,
  /^extension\/(Dockerfile|examples\/scale\/[\w.-]+)$/,
  /^extension\/dist\/node_modules\/(onnxruntime-(node|common)|sharp|@img\/(colour|sharp-[\w-]+)|detect-libc|semver)\//,
];
const UNWANTED = /\.(ts|map|h|py)$|\.int8\.onnx|cuda|tensorrt|DirectML|dxcompiler|dxil/i;
/** Compressed; of the whole package, and of what is not a native part. */
const MAX_BYTES = { whole: 30e6, own: 3e6 };

/** Sizes of a package in bytes, its own part and its native parts as they lie compressed in it. */
export function sizesOf(vsix) {
  const entries = entriesOf(readFileSync(vsix));
  const sum = (isCounted) =>
    entries.filter(({ name }) => isCounted(name)).reduce((bytes, { size }) => bytes + size, 0);
  const isNative = (name) => name.startsWith(MODULES);

  return {
    files: entries.length,
    total: statSync(vsix).size,
    own: sum((name) => !isNative(name)),
    native: sum(isNative),
  };
}

function entriesOf(bytes) {
  const entries = [];
  unzipSync(bytes, {
    filter(entry) {
      entries.push(entry);
      return false;
    },
  });
  return entries;
}

/** Checks what a package of some target (its name says which) holds, and its size. */
export function checkContents(vsix) {
  const [, target] = /quantsmith-([\w-]+)\.vsix$/.exec(vsix);
  const bytes = readFileSync(vsix);
  const names = entriesOf(bytes).map(({ name }) => name);
  const sizes = sizesOf(vsix);
  const complaints = [
    ...strayFiles(names, target),
    ...missingPictures(bytes, names),
    ...(sizes.own > MAX_BYTES.own ? [`our own part is too large: ${sizes.own} bytes`] : []),
    ...(sizes.total > MAX_BYTES.whole ? [`too large: ${sizes.total} bytes`] : []),
  ];
  for (const complaint of complaints) console.log(`  failed: ${target}: ${complaint}`);
  const [total, own] = [sizes.total, sizes.own].map((size) => (size / 1e6).toFixed(1));
  if (complaints.length === 0)
    console.log(`  ok: ${target}: ${names.length} files, ${total} MB, ${own} MB of it our own`);
  return { passed: complaints.length === 0 ? 1 : 0, failed: complaints.length };
}

function strayFiles(names, target) {
  const isBare = target === 'universal';
  const [os, arch] = target.split('-');
  const required = isBare ? REQUIRED : [...REQUIRED, ...nativeParts(os, arch)];
  const isForeign = (name) =>
    name.startsWith(MODULES) &&
    (isBare ||
      (name.includes('/napi-v6/') && !name.includes(`/${os}/${arch}/`)) ||
      (/@img\/sharp-/.test(name) && !name.includes(`${os}-${arch}/`)));

  return [
    ...required.filter((name) => !names.includes(name)).map((name) => `missing: ${name}`),
    ...names
      .filter((name) => !ALLOWED.some((pattern) => pattern.test(name)) || UNWANTED.test(name))
      .map((name) => `should not be there: ${name}`),
    ...names.filter(isForeign).map((name) => `of another platform: ${name}`),
  ];
}

/** Pictures and files that the pages inside name and that are not there. */
function missingPictures(bytes, names) {
  const pages = unzipSync(bytes, { filter: ({ name }) => /^extension\/docs\/.*\.md$/.test(name) });
  return Object.entries(pages).flatMap(([page, content]) =>
    [...new TextDecoder().decode(content).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
      .map(([, target]) => posix.join(posix.dirname(page), target))
      .filter((name) => !names.includes(name))
      .map((name) => `${page} leads to ${name}, which is not there`),
  );
}

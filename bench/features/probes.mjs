// What is asked of every server. A probe gives true or false, or a word on how far it goes.

const message = (found, pattern) => found.some((one) => pattern.test(textOf(one)));
const textOf = ({ message: text }) => (typeof text === 'string' ? text : text.value);
const itemsOf = (answer) => (Array.isArray(answer) ? answer : (answer?.items ?? []));
const labels = (answer) => itemsOf(answer).map((item) => item.label);
const filled = (answer) =>
  Array.isArray(answer) ? answer.length > 0 : answer !== null && answer !== undefined;
const contents = (answer) => JSON.stringify(answer?.contents ?? '');

/** A row: its name, and a function of `ask(method, place or parameters)`, the documents' diagnostics and abilities. */
export const probes = [
  ['**Diagnostics**'],
  ['an unknown key', ({ broken }) => message(broken, /prset|stepss/)],
  [
    '… and which one is meant',
    ({ broken }) =>
      broken.some((one) => /prset|stepss/.test(textOf(one)) && /\bpreset|\bsteps\b/.test(textOf(one))),
  ],
  [
    'a value that is not allowed',
    ({ broken }) => message(broken, /CPUU|raed|target_device|accepted values|CPU_SPR/),
  ],
  [
    '… and which one is meant',
    ({ broken }) =>
      broken.some((one) => /CPUU|raed|target_device/.test(textOf(one)) && /mean/i.test(textOf(one))),
  ],
  ['a wrong type', ({ broken }) => message(broken, /lots|boolean|true or false/i)],
  ['a key twice', ({ broken }) => message(broken, /twice|duplicate|unique|already|conflicting keys/i)],
  ['a file that is missing', ({ broken }) => message(broken, /missing/)],
  [
    'a name that the model (or run) does not have',
    ({ sound, broken }) => message(sound, /\/fc\/Gemm/) || message(broken, /nowhere/),
  ],
  [
    'settings that contradict each other, or are dead',
    ({ sound, broken }) =>
      [...sound, ...broken].some(({ code }) =>
        /dead|conflict|needs|no-integer|matches-all/.test(String(code)),
      ),
  ],
  ['a value that YAML 1.1 reads otherwise', ({ broken }) => message(broken, /YAML 1\.1/)],
  ['a link to what the code means', ({ broken }) => broken.some((one) => one.codeDescription !== undefined)],
  ['asked for by the client (pull)', ({ abilities }) => abilities.diagnosticProvider !== undefined],
  ['**Completion**'],
  [
    'keys, without those that are there',
    async ({ ask }) => {
      const found = labels(await ask('completion', 'newKey'));
      return (
        found.some((name) => /subset_size|strategy/.test(name)) &&
        !found.some((name) => /^"?(preset|needs)"?$/.test(name))
      );
    },
  ],
  [
    'values, with what they mean',
    async ({ ask }) => {
      const items = itemsOf(await ask('completion', 'value'));
      const found = items.find(({ label }) => /CPU_SPR|write/.test(label));
      return found === undefined ? false : found.documentation ? true : 'values only';
    },
  ],
  [
    'names from the model (or run)',
    async ({ ask }) =>
      labels(await ask('completion', 'layer')).some((name) => /Conv|MatMul|Gemm|\/|sha$/.test(name)),
  ],
  [
    'files',
    async ({ ask }) =>
      labels(await ask('completion', 'file')).some((name) => /digits\.onnx|\.github/.test(name)),
  ],
  ['**Hover**'],
  ['what a key means', async ({ ask }) => contents(await ask('hover', 'key')).length > 20],
  [
    '… with type, default and values',
    async ({ ask }) =>
      /default/i.test(contents(await ask('hover', 'key'))) &&
      /mixed/.test(contents(await ask('hover', 'key'))),
  ],
  ['what a value means', async ({ ask }) => /x86|CPUs|read/.test(contents(await ask('hover', 'value')))],
  ['**Edits**'],
  [
    'a fix for the unknown key',
    async ({ fixes }) =>
      (await fixes()).some(
        ({ edit, title }) => edit && /preset|steps|prset/.test(title + JSON.stringify(edit)),
      ),
  ],
  [
    'all fixes at once',
    ({ abilities }) => JSON.stringify(abilities.codeActionProvider ?? '').includes('source.fixAll'),
  ],
  [
    'to JSON or YAML and back',
    async ({ refactorings, abilities }) =>
      (await refactorings()).some(({ title }) => /(to|as) (JSON|YAML)/i.test(title)) ||
      (abilities.executeCommandProvider?.commands ?? []).some((name) => /convert|json/i.test(name)),
  ],
  ['formatting', ({ abilities }) => Boolean(abilities.documentFormattingProvider)],
  ['rename of an anchor', async ({ ask }) => filled(await ask('rename', 'anchor', { newName: 'other' }))],
  ['**Around**'],
  ['inlay hints', async ({ ask }) => filled(await ask('inlayHint', null))],
  ['code lens', async ({ ask }) => filled(await ask('codeLens', null))],
  ['outline', async ({ ask }) => filled(await ask('documentSymbol', null))],
  ['workspace symbols', ({ abilities }) => Boolean(abilities.workspaceSymbolProvider)],
  ['folding', async ({ ask }) => filled(await ask('foldingRange', null))],
  ['selection ranges', async ({ ask }) => filled(await ask('selectionRange', 'key'))],
  [
    'links to files',
    async ({ ask }) =>
      itemsOf(await ask('documentLink', null)).some(({ target }) => /digits|npy|action/.test(target ?? '')),
  ],
  ['definition of an alias', async ({ ask }) => filled(await ask('definition', 'alias'))],
  [
    'references of an anchor',
    async ({ ask }) => filled(await ask('references', 'anchor', { context: { includeDeclaration: true } })),
  ],
  ['highlights', async ({ ask }) => filled(await ask('documentHighlight', 'alias'))],
  ['semantic tokens', async ({ ask }) => ((await ask('semanticTokens/full', null))?.data?.length ?? 0) > 0],
];

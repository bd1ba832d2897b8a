import type { ClientCapabilities } from 'vscode-languageserver-protocol';
import { methodsOf, REFINED } from './protocol.js';

/** A part of a message that only clients with a capability get. */
interface Gate {
  /** The answer to a request, or what the server sends on its own. */
  readonly method: string;
  /** `items[].tags`: where it stands; the gate is closed where something stands there. */
  readonly place: string;
  /** Any of these opens it, by being there and not false. */
  readonly capabilities: readonly string[];
  /** Values that need no capability, by what the client has said. */
  readonly free?: (value: unknown, client: ClientCapabilities) => boolean;
}

const DIAGNOSTIC_PARTS = {
  tags: 'tagSupport',
  relatedInformation: 'relatedInformation',
  codeDescription: 'codeDescriptionSupport',
  data: 'dataSupport',
};
const diagnosticGates: Gate[] = [
  { method: 'textDocument/publishDiagnostics', place: 'diagnostics[]' },
  { method: 'textDocument/diagnostic', place: 'items[]' },
].flatMap(({ method, place }) =>
  Object.entries(DIAGNOSTIC_PARTS).map(([part, capability]) => ({
    method,
    place: `${place}.${part}`,
    // Before version 3.18 clients that pull said it of pushed diagnostics.
    capabilities: [
      `textDocument.publishDiagnostics.${capability}`,
      ...(method === 'textDocument/diagnostic' ? [`textDocument.diagnostic.${capability}`] : []),
    ],
  })),
);

const ITEM = 'textDocument.completion.completionItem';
const completionGates: Gate[] = [
  ['tags', 'tagSupport'],
  ['preselect', 'preselectSupport'],
  ['insertTextMode', 'insertTextModeSupport'],
  ['labelDetails', 'labelDetailsSupport'],
  ['deprecated', 'deprecatedSupport'],
  ['commitCharacters', 'commitCharactersSupport'],
  ['textEdit.insert', 'insertReplaceSupport'],
].map(([place, capability]) => ({
  method: 'textDocument/completion',
  place: `items[].${place}`,
  capabilities: [`${ITEM}.${capability}`],
}));

const markdownGate = (method: string, place: string, formats: string): Gate => ({
  method,
  place,
  capabilities: [],
  free: (kind, client) => kind === 'plaintext' || listAt(client, formats).includes(kind),
});

/** Kinds beyond those of the protocol's first version are sent only to clients that list them. */
const kindGate = (method: string, place: string, capability: string, last: number): Gate => ({
  method,
  place,
  capabilities: [],
  free: (kind, client) => {
    const listed = at(client, `${capability}.valueSet`);
    return listed === undefined ? Number(kind) <= last : (listed as unknown[]).includes(kind);
  },
});

const GATES: readonly Gate[] = [
  ...diagnosticGates,
  ...completionGates,
  {
    method: 'textDocument/completion',
    place: 'items[].insertTextFormat',
    capabilities: [`${ITEM}.snippetSupport`],
    free: (format) => format === 1,
  },
  {
    method: 'textDocument/completion',
    place: 'itemDefaults',
    capabilities: ['textDocument.completion.completionList.itemDefaults'],
  },
  markdownGate('textDocument/completion', 'items[].documentation.kind', `${ITEM}.documentationFormat`),
  markdownGate('textDocument/hover', 'contents.kind', 'textDocument.hover.contentFormat'),
  kindGate('textDocument/completion', 'items[].kind', 'textDocument.completion.completionItemKind', 18),
  kindGate('textDocument/documentSymbol', '[]..kind', 'textDocument.documentSymbol.symbolKind', 18),
  kindGate('workspace/symbol', '[].kind', 'workspace.symbol.symbolKind', 18),
  {
    method: 'textDocument/documentSymbol',
    place: '[].selectionRange',
    capabilities: ['textDocument.documentSymbol.hierarchicalDocumentSymbolSupport'],
  },
  {
    method: 'textDocument/codeAction',
    place: '[].kind',
    capabilities: ['textDocument.codeAction.codeActionLiteralSupport'],
  },
  {
    method: 'textDocument/codeAction',
    place: '[].edit',
    capabilities: ['textDocument.codeAction.codeActionLiteralSupport'],
  },
  {
    method: 'textDocument/codeAction',
    place: '[].isPreferred',
    capabilities: ['textDocument.codeAction.isPreferredSupport'],
  },
  {
    method: 'textDocument/codeAction',
    place: '[].disabled',
    capabilities: ['textDocument.codeAction.disabledSupport'],
  },
  {
    method: 'textDocument/codeAction',
    place: '[].data',
    capabilities: ['textDocument.codeAction.dataSupport'],
  },
  ...['textDocument/codeAction', 'textDocument/rename'].flatMap((method): Gate[] => {
    const edit = method.endsWith('rename') ? '' : '[].edit.';
    return [
      {
        method,
        place: `${edit}documentChanges`,
        capabilities: ['workspace.workspaceEdit.documentChanges'],
      },
      {
        method,
        place: `${edit}documentChanges[].kind`,
        capabilities: [],
        free: (kind, client) => listAt(client, 'workspace.workspaceEdit.resourceOperations').includes(kind),
      },
    ];
  }),
  {
    method: 'textDocument/definition',
    place: '[].targetUri',
    capabilities: ['textDocument.definition.linkSupport'],
  },
  {
    method: 'textDocument/documentLink',
    place: '[].tooltip',
    capabilities: ['textDocument.documentLink.tooltipSupport'],
  },
  {
    method: 'textDocument/foldingRange',
    place: 'length',
    capabilities: [],
    free: (count, client) =>
      Number(count) <= Number(at(client, 'textDocument.foldingRange.rangeLimit') ?? Number.POSITIVE_INFINITY),
  },
  {
    method: 'initialize',
    place: 'capabilities.renameProvider.prepareProvider',
    capabilities: ['textDocument.rename.prepareSupport'],
  },
  {
    method: 'initialize',
    place: 'capabilities.codeActionProvider.codeActionKinds',
    capabilities: ['textDocument.codeAction.codeActionLiteralSupport'],
  },
  {
    method: 'initialize',
    place: 'capabilities.diagnosticProvider',
    capabilities: ['textDocument.diagnostic'],
  },
  {
    method: 'initialize',
    place: 'capabilities.workspace.fileOperations.willRename',
    capabilities: ['workspace.fileOperations.willRename'],
  },
  {
    method: 'initialize',
    place: 'capabilities.positionEncoding',
    capabilities: [],
    free: (encoding, client) =>
      encoding === 'utf-16' || listAt(client, 'general.positionEncodings').includes(encoding),
  },
];

/** What of an answer, or of what a server sends on its own, the client has not said that it takes. */
export function gatedParts(method: string, value: unknown, client: ClientCapabilities): string[] {
  return GATES.filter((gate) => gate.method === method).flatMap(({ place, capabilities, free }) => {
    if (capabilities.some((capability) => isOpen(client, capability))) return [];
    const found = select(value, place).find((part) => free?.(part, client) !== true);
    return found === undefined ? [] : [`${method}: ${place} is for clients that say so`];
  });
}

const METHODS = methodsOf();

/** What a server must not ask or tell a client that has not said that it takes it. */
export function gatedMessage(method: string, params: unknown, client: ClientCapabilities): string[] {
  const capability = method in REFINED ? REFINED[method] : (METHODS.get(method)?.capability ?? null);
  const closed =
    typeof capability === 'string' && !isOpen(client, capability)
      ? [`${method} is for clients with ${capability}`]
      : [];
  if (method !== 'client/registerCapability') return closed;
  return [
    ...closed,
    ...select(params, 'registrations[].method').flatMap((of) => registered(String(of), client)),
  ];
}

function registered(method: string, client: ClientCapabilities): string[] {
  const capability = METHODS.get(method)?.capability ?? null;
  // Changes of folders have no other way to be asked for.
  if (method === 'workspace/didChangeWorkspaceFolders')
    return isOpen(client, 'workspace.workspaceFolders') ? [] : [`${method} cannot be registered`];
  return capability !== null && isOpen(client, `${capability}.dynamicRegistration`)
    ? []
    : [`${method} cannot be registered with this client`];
}

function isOpen(client: ClientCapabilities, capability: string): boolean {
  const value = at(client, capability);
  return value !== undefined && value !== null && value !== false;
}

function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (current, key) =>
        typeof current === 'object' && current !== null
          ? (current as Record<string, unknown>)[key]
          : undefined,
      value,
    );
}

function listAt(client: ClientCapabilities, path: string): unknown[] {
  const found = at(client, path);
  return Array.isArray(found) ? found : [];
}

/** Everything that stands at a place: `a[].b` of every item, `[]..b` of every item and its children. */
function select(value: unknown, place: string): unknown[] {
  const steps = place
    .replaceAll('..', '.*.')
    .split('.')
    .flatMap((step) => step.split(/(?=\[\])/));
  return steps.reduce<unknown[]>((found, step) => found.flatMap((part) => below(part, step)), [value]);
}

function below(value: unknown, step: string): unknown[] {
  if (step === '[]') return Array.isArray(value) ? value : [];
  if (step === '*') return [value, ...select(value, 'children[]').flatMap((child) => below(child, '*'))];
  if (typeof value !== 'object' || value === null) return [];
  const found = (value as Record<string, unknown>)[step];
  return found === undefined ? [] : [found];
}

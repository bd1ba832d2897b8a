export * from './context/context.js';
export { meaningOf } from './context/meaning.js';
export {
  createDocumentCache,
  parseConfig,
  rangeOf,
  unreadConfig,
  type ConfigDocument,
  type DocumentCache,
} from './document/document.js';
export { createOpenText, type OpenText } from './document/openText.js';
export { findEntry, findNode, nodeAt, pathOf } from './document/tree.js';
export {
  configHash,
  effectiveValue,
  extendsOf,
  inherit,
  inheritedAt,
  isReportOf,
  NOTHING_INHERITED,
  type Inherited,
  type ReadConfig,
} from './extends/inherit.js';
export * from './facts/facts.js';
export {
  addYoloLines,
  cocoFacts,
  gatherLabels,
  jsonLines,
  linesOfText,
  tableLines,
} from './facts/labelFacts.js';
export type { LabelLines } from './facts/labelFacts.js';
export { allNamedPaths, isNamedPath, namedPaths, type NamedPath } from './facts/namedPaths.js';
export { isMapping } from './extends/merge.js';
export * as anchors from './features/anchors.js';
export { changeLayer } from './features/changeLayer.js';
export { codeActions, FIX_ALL, fixAll, wants } from './features/codeActions.js';
export { codeLenses } from './features/codeLens.js';
export { completionAt, listingWanted, type WantedListing } from './features/completion.js';
export { cursorAt } from './features/cursorAt.js';
export { isWantedBehind } from './features/trigger.js';
export { convert } from './document/convert.js';
export { convertActions, convertedFile, convertedName } from './features/convertAction.js';
export { dataActions, wantsData } from './features/dataActions.js';
export { toDiagnostics } from './features/diagnostics.js';
export { foldingRanges, selectionRanges } from './features/folding.js';
export { formatting } from './features/format.js';
export { hover } from './features/hover.js';
export { configFor } from './features/init.js';
export { loaderStub, metricStub } from './features/stubs.js';
export { inlayHints } from './features/inlayHints.js';
export { layerActions, REVEAL_COMMAND } from './features/layerActions.js';
export * as layers from './features/layers.js';
export { documentLinks } from './features/links.js';
export { locateLayer, locatePath } from './features/locate.js';
export { useSettings, withStatedSettings } from './features/useSettings.js';
export { pinChoices } from './rules/pin.js';
export { movedPaths, type Move } from './features/movedPaths.js';
export { rewrites } from './features/rewrite.js';
export { settingDifferences } from './features/settingsDiff.js';
export { semanticTokens, TOKEN_LEGEND } from './features/semanticTokens.js';
export { takeState, type RestorationState } from './features/takeState.js';
export { documentSymbols } from './features/symbols.js';
export { createTokenCache, type TokenCache } from './features/tokenDelta.js';
export { workspaceSymbols } from './features/workspaceSymbols.js';
export {
  DEBUG_COMMAND,
  MANAGE_TRUST_COMMAND,
  OVERFLOW_COMMAND,
  RUN_COMMAND,
  SWEEP_COMMAND,
} from './findings/commands.js';
export type { Finding, Severity } from './findings/finding.js';
export { isConfigName, isConfigText } from './knowledge/configNames.js';
export { createModelIndex, type ModelIndex } from './facts/modelIndex.js';
export { once } from './facts/once.js';
export { layerAt } from './knowledge/ignoredScope.js';
export { outputPaths } from './reports/outputPaths.js';
export { accuracyFindings } from './rules/accuracy.js';
export { createListMemory, type ListMemory } from './rules/listMemory.js';
export { findAll, findInSteps, keepsReadable, type Found } from './rules/all.js';
export { withoutSuppressed } from './rules/suppress.js';
export { setValue, type Written } from './document/edit.js';

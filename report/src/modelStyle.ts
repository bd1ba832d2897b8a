/** What the page of a model adds to the style of all pages: it is as wide as the editor, and its table and graph have fixed heights. */
export const MODEL_STYLE = `
body { max-width: none; }
main { display: flow-root; }
.overview { display: flex; flex-wrap: wrap; gap: 0 3rem; }
.overview > p { flex-basis: 100%; }
.overview > section { max-width: 100%; }
.overview .scroll { container-type: normal; max-height: 18rem; overflow-y: auto; }
.overview caption { display: none; }
.filters { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: end; margin: 0.5rem 0; }
.filters label { display: grid; gap: 0.2rem; }
.filters :is(input, select, button) { box-sizing: border-box; height: 2rem; }
.filters input { width: 16rem; max-width: 100%; }
button:not(.sort), input, select { font: inherit; color: var(--vscode-input-foreground, inherit); background: var(--vscode-input-background, transparent); border: 1px solid var(--vscode-dropdown-border, var(--quiet)); border-radius: 2px; padding: 0.2rem 0.5rem; }
button:not(.sort) { color: var(--vscode-button-secondaryForeground, inherit); background: var(--vscode-button-secondaryBackground, transparent); border-color: var(--vscode-contrastBorder, var(--quiet)); cursor: pointer; }
button:not(.sort):hover { background: var(--vscode-button-secondaryHoverBackground, transparent); text-decoration: underline; }
body.vscode-high-contrast button:hover { text-decoration: underline; }
button:focus-visible, input:focus-visible, select:focus-visible, canvas:focus-visible, .grid-table:focus-visible { outline: 2px solid var(--vscode-focusBorder, var(--int8)); outline-offset: -2px; }
.beside { display: grid; grid-template-columns: minmax(0, 3fr) minmax(16rem, 1fr); gap: 1rem; }
@media (max-width: 60rem) { .beside { grid-template-columns: minmax(0, 1fr); } }
.grid { height: 60vh; min-height: 12rem; overflow: auto; border: 1px solid var(--line); }
.grid-table { table-layout: fixed; width: 100%; border-collapse: separate; border-spacing: 0; }
.grid-table th, .grid-table td { height: 26px; box-sizing: border-box; padding: 0 0.5rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; vertical-align: middle; border-bottom: 1px solid var(--line); }
.grid-table thead th { position: sticky; top: 0; z-index: 1; background: var(--vscode-editor-background, var(--page)); padding: 0; }
.grid-table td:first-child, .grid-table th:first-child { position: sticky; left: 0; z-index: 1; background: var(--vscode-editor-background, var(--page)); }
.grid-table thead th:first-child { z-index: 2; }
.grid-table thead button { width: 100%; height: 100%; border: 0; background: none; color: inherit; font-weight: 600; text-align: inherit; padding: 0 0.5rem; overflow: hidden; text-overflow: ellipsis; }
.grid-table th[aria-sort=ascending] button::after { content: " ↑"; }
.grid-table th[aria-sort=descending] button::after { content: " ↓"; }
.grid-table tbody tr { cursor: pointer; }
.grid-table tr[aria-selected=true] td { box-shadow: inset 0 2px var(--vscode-focusBorder, var(--int8)), inset 0 -2px var(--vscode-focusBorder, var(--int8)); font-weight: 600; }
.grid-table .spacer td { padding: 0; border: 0; }
.grid-table .spacer[hidden] { display: none; }
.details { overflow-wrap: anywhere; max-height: 60vh; overflow-y: auto; }
.details h3 { margin-top: 0; }
.details dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.2rem 0.75rem; margin: 0.5rem 0; }
.details dt { color: var(--quiet); }
.details dd { margin: 0; font: inherit; }
.actions { display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 0.75rem 0; }
.histogram { width: 100%; height: 120px; }
canvas { display: block; width: 100%; height: 70vh; border: 1px solid var(--line); touch-action: none; }
.key.frame { width: 1.6em; border: 2px solid; }
.key.frame.integer { border-color: var(--int8); }
.key.frame.float { border: 2px dashed var(--other); }
.key.frame.other { border-width: 1px; }
`;

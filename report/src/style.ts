import { EDGE } from './axes.js';

/** So many rows of a long table are laid out at once (report/page/rowWindow.ts). */
export const ROWS_AT_ONCE = 300;

/** On white and on VS Code's light themes, texts have a contrast of at least 4.5:1, marks of 3:1. */
const LIGHT =
  '--text: #1f2328; --page: #ffffff; --quiet: #59636e; --line: #d1d9e0; --hover: #eaeef2; --int8: #0969da; --other: #bc4c00; --good: #1a7f37; --bad: #c5212c;';
/** The same on VS Code's dark themes. */
const DARK =
  '--text: #e6edf3; --page: #0d1117; --quiet: #9da5ae; --line: #3d444d; --hover: #21262d; --int8: #4493f8; --other: #f0883e; --good: #3fb950; --bad: #ff7b72;';

/**
 * The page's style. Text and background are VS Code's where the page is a panel; the other colours are a light or a dark set
 * of its own, since those of themes are not all readable. Bars and charts take sizes from SVG attributes: the content security policy allows this one style element and nothing else.
 */
export const STYLE = `
:root { color-scheme: light dark; --bar: 140px; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
body.vscode-light, body.vscode-high-contrast-light { ${LIGHT} }
body.vscode-dark, body.vscode-high-contrast:where(:not(.vscode-high-contrast-light)) { ${DARK} }
body.vscode-high-contrast { --quiet: currentColor; --line: var(--vscode-contrastBorder, currentColor); --hover: transparent; }
body.vscode-high-contrast button:hover { outline: 1px dashed var(--vscode-contrastActiveBorder, currentColor); }
body { margin: 0 auto; max-width: 60rem; padding: 0 1.5rem 3rem; font: var(--vscode-font-size, 0.9rem)/1.5 var(--vscode-font-family, system-ui, sans-serif); color: var(--vscode-foreground, var(--text)); background: var(--vscode-editor-background, var(--page)); }
h1 { font-size: 1.6rem; font-weight: 600; margin: 1.5rem 0 0.25rem; }
h2 { font-size: 1.15rem; font-weight: 600; margin: 2.25rem 0 0.5rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 1.5rem 0 0.5rem; }
p { margin: 0.25rem 0 1rem; }
.quiet, caption { color: var(--quiet); }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
code { font-family: var(--vscode-editor-font-family, ui-monospace, monospace); font-size: 0.95em; color: inherit; background: none; padding: 0; overflow-wrap: anywhere; }
.scroll { container-type: inline-size; overflow-x: auto; margin: 0.5rem 0 1rem; }
table { border-collapse: collapse; }
caption { position: sticky; left: 0; max-width: 100cqi; text-align: left; padding: 0 0 0.5rem; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 1.25rem 0.3rem 0; border-bottom: 1px solid var(--line); font-weight: normal; }
thead th, .facts th { font-weight: 600; }
thead th { vertical-align: bottom; }
.facts th { white-space: nowrap; }
tbody th code { display: inline-block; width: max-content; max-width: min(56ch, 60vw); }
td:has(code) { min-width: 6rem; }
td:has(.mark) { min-width: 9rem; }
th.barred { padding-right: calc(var(--bar) + 2rem); }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.number .quiet { display: block; }
figure { margin: 1rem 0; }
figcaption { margin-top: 0.25rem; }
svg { display: block; max-width: none; fill: currentColor; font: 12px var(--vscode-font-family, system-ui, sans-serif); }
svg.bar { display: inline-block; width: var(--bar); vertical-align: -1px; margin-left: 0.75rem; }
svg.chart { width: calc(100% - ${EDGE.left + EDGE.right}px); margin: 0 ${EDGE.right}px 0 ${EDGE.left}px; }
svg.chart, svg.plot, svg.anchor { overflow: visible; }
p.verdict { font-size: 1.35rem; margin: 1rem 0 0.5rem; }
dl.verdict { display: flex; flex-wrap: wrap; gap: 0.75rem 2.25rem; margin: 0 0 1rem; }
dt { color: var(--quiet); }
dt::first-letter { text-transform: uppercase; }
dd { margin: 0; font-size: 1.15rem; font-weight: 600; }
dd.quiet { font-size: 0.8rem; font-weight: normal; }
.mark { border: 1px solid var(--other); border-radius: 3px; padding: 0 0.3em; white-space: nowrap; }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--quiet); border-radius: 3px; padding: 0.1em 0.6em; cursor: pointer; }
button:hover { background: var(--vscode-toolbar-hoverBackground, var(--hover)); }
button.sort, button.open { border: 0; padding: 0; font-weight: inherit; text-align: inherit; }
button { white-space: nowrap; }
button.sort { white-space: normal; }
button.sort::after { content: "\\a0↕"; font-weight: normal; color: var(--quiet); }
[aria-sort=ascending] button.sort::after { content: "\\a0↑"; }
[aria-sort=descending] button.sort::after { content: "\\a0↓"; }
button.picture { margin-top: 0.5rem; }
button.open { display: flex; gap: 0.35em; white-space: normal; }
button.open::before { content: "▸"; }
button.open[aria-expanded=true]::before { content: "▾"; }
tr.detail td { white-space: normal; }
tr.detail button { margin: 0 0.5rem 0.25rem 0; }
form.tools { display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; align-items: center; margin: 0.5rem 0; }
[hidden], form.tools[hidden] { display: none; }
input, select { font: inherit; color: inherit; background: var(--vscode-input-background, var(--page)); border: 1px solid var(--quiet); border-radius: 3px; padding: 0.1em 0.4em; }
input::placeholder { color: var(--quiet); opacity: 1; font-style: italic; }
option { color: var(--vscode-foreground, var(--text)); background: var(--vscode-editor-background, var(--page)); }
.toolbar { display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 0 0 1rem; }
.readout { min-height: 1.8em; margin: 0.25rem 0; }
[data-state] { cursor: pointer; }
circle[data-state]:focus { outline: none; stroke: var(--vscode-focusBorder, var(--text)); stroke-width: 4; }
.grid { stroke: var(--line); stroke-width: 1; }
.tick, .label { fill: var(--quiet); }
td a { white-space: nowrap; }
a { color: var(--vscode-textLink-foreground, var(--int8)); }
a:focus-visible { outline: 2px solid var(--vscode-focusBorder, var(--int8)); outline-offset: 2px; }
a:focus-visible circle { stroke: var(--vscode-focusBorder, var(--text)); stroke-width: 3; }
.scroll:focus-visible, :is(button, input, select):focus-visible { outline: 2px solid var(--vscode-focusBorder, var(--int8)); }
.curve { fill: none; stroke: var(--int8); stroke-width: 2; vector-effect: non-scaling-stroke; }
.point, .int8 { fill: var(--int8); }
.estimate { fill: none; stroke: var(--int8); stroke-width: 1.2; pointer-events: all; }
.final { fill: none; stroke: var(--vscode-foreground, var(--text)); stroke-width: 2; }
.interval { fill: none; stroke: var(--vscode-foreground, var(--text)); stroke-width: 1.5; }
.spread { stroke: var(--int8); stroke-width: 1.2; opacity: 0.55; pointer-events: none; }
.target { stroke: var(--other); stroke-width: 1.5; stroke-dasharray: 6 4; }
rect.float { fill: none; stroke: var(--other); stroke-width: 1.5; }
.absent { fill: var(--line); }
.key { display: inline-block; box-sizing: border-box; width: 0.8em; height: 0.8em; margin: 0 0.3em 0 0.5em; }
.whole { white-space: nowrap; }
.key.int8 { background: var(--int8); }
.key.float { border: 1.5px solid var(--other); }
@media (max-width: 40rem) {
  :root { --bar: 64px; }
  body { padding: 0 0.75rem 2rem; }
  .facts th { white-space: normal; }
  th, td { padding-right: 0.75rem; }
  th.barred { padding-right: calc(var(--bar) + 1.5rem); }
  tbody th code { max-width: 38vw; }
  .minor { display: none; }
}
@media screen { .beyond { display: none; } }
@media screen and (scripting: enabled) { table[data-window]:not(.windowed) tbody tr:nth-child(n + ${ROWS_AT_ONCE + 1}) { display: none; } }
@media print { body { max-width: none; } figure, tr { break-inside: avoid; } button, form.tools { display: none; } button.sort { display: inline; } button.open { display: flex; } }
`;

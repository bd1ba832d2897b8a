/* global document, window */
// What each page of ours in the editor keeps to: a strict policy for scripts, and a table for each chart.
import assert from 'node:assert/strict';

/** `frame`: that of a webview. */
export async function keepsRules(frame) {
  const policy = await frame.evaluate(
    () => document.querySelector('meta[http-equiv="Content-Security-Policy"]').content,
  );
  const sources = new Map(policy.split(/;\s*/).map((directive) => directive.split(/\s+(.*)/)));
  assert.equal(sources.get('default-src'), "'none'");
  // Modules may load what belongs to them; addresses and 'unsafe-inline' stand in no place for scripts.
  assert.match(sources.get('script-src'), /^'nonce-[\w-]{20,}'( 'strict-dynamic')?$/);
  assert.match(sources.get('style-src'), /^'nonce-[\w-]{20,}'$/);
  assert.equal(await frame.evaluate(runsForeignScript), false, 'a script of others does not run');
  assert.deepEqual(await frame.evaluate(chartsWithoutTable), []);
}

/** In the page: whether a script runs that somebody has got into its text: in an attribute, since elements get no way in (a nonce). */
function runsForeignScript() {
  document.body.insertAdjacentHTML('beforeend', '<i onclick="window.isForeign = true"></i>');
  const part = document.body.lastElementChild;
  part.click();
  part.remove();
  return window.isForeign === true;
}

/** In the page: charts of sections in which no table has what they show. */
function chartsWithoutTable() {
  const parts = [...document.querySelectorAll('h2, figure.chart, table tbody tr')];
  const sections = [[]];
  for (const part of parts) {
    if (part.tagName === 'H2') sections.push([]);
    sections.at(-1).push(part);
  }

  return sections
    .filter((section) => !section.some(({ tagName }) => tagName === 'TR'))
    .flatMap((section) => section.filter(({ tagName }) => tagName === 'FIGURE'))
    .map((figure) => figure.querySelector('title').textContent);
}

/* global document, getComputedStyle, window */
// Whether a page can be read and used by everybody: axe-core's rules, and the contrast of charts, which it does not judge.
import assert from 'node:assert/strict';
import axe from 'axe-core';

/** What everything of ours is to be readable in. */
export const THEMES = {
  light: 'Default Light Modern',
  dark: 'Default Dark Modern',
  'high-contrast': 'Default High Contrast',
  'high-contrast-light': 'Default High Contrast Light',
};

/**
 * Puts the editor into each of the four themes, and goes on when a page of it has followed; at last as it was. Under high
 * contrast no text of it is quieter than the others.
 */
export async function inEachTheme({ write }, frame, check) {
  for (const [name, theme] of Object.entries(THEMES)) {
    write('.vscode/settings.json', JSON.stringify({ 'workbench.colorTheme': theme }));
    await frame.locator(`body.vscode-${name}`).waitFor();
    if (name.startsWith('high-contrast')) assert.deepEqual(await frame.evaluate(quietColours), []);
    await check(name);
  }

  write('.vscode/settings.json', '{}');
}

/** In the page: colours of quiet texts other than that of all texts. */
function quietColours() {
  const { color } = getComputedStyle(document.body);
  const colours = [...document.querySelectorAll('.quiet')].map((part) => getComputedStyle(part).color);
  return [...new Set(colours)].filter((quiet) => quiet !== color);
}

/** Texts need a contrast of 4.5:1, marks of a chart 3:1 (WCAG 1.4.3, 1.4.11). */
const [MIN_TEXT, MIN_MARK] = [4.5, 3];

/** `frame`: a page, or the frame of a webview. Fails with what is wrong, and where. `rules`: those of axe-core that count; all. */
export async function isAccessible(frame, rules = null) {
  // Evaluated from outside: the page's own policy lets no script of others in.
  await frame.evaluate(axe.source);
  const violations = await frame.evaluate(
    async (runOnly) => {
      const { violations } = await window.axe.run(document, { resultTypes: ['violations'], ...runOnly });
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)}`,
      );
    },
    rules === null ? {} : { runOnly: rules },
  );
  assert.deepEqual(violations, []);
  assert.deepEqual(await frame.evaluate(faintParts, [MIN_TEXT, MIN_MARK]), []);
}

/** In the page: texts and marks of charts that stand out too little from the page. */
function faintParts([minText, minMark]) {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };

  const luminance = (colour) => {
    const [r, g, b] = rgb(colour).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  const page = luminance(getComputedStyle(document.body).backgroundColor);
  const contrast = (colour) => {
    const own = luminance(colour);
    return (Math.max(own, page) + 0.05) / (Math.min(own, page) + 0.05);
  };

  const isDrawn = (colour) => colour !== 'none' && !/^rgba.*, 0\)$/.test(colour);
  const parts = [
    ...[...document.querySelectorAll('svg text')].map((part) => [part, minText]),
    ...[...document.querySelectorAll('svg :is(circle, rect:not(.absent), .curve, .target, .interval)')].map(
      (part) => [part, minMark],
    ),
  ];

  return [
    ...new Set(
      parts.flatMap(([part, least]) => {
        const { fill, stroke } = getComputedStyle(part);
        const colours = [fill, stroke].filter(isDrawn);
        const best = Math.max(...colours.map(contrast));
        return best >= least ? [] : [`${part.tagName}.${part.getAttribute('class')}: ${best.toFixed(2)}:1`];
      }),
    ),
  ];
}

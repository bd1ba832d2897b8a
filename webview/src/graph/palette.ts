import type { Palette } from './draw.js';

/** The colours of the editor's theme, as the page's style has them in a place. */
export function paletteOf(place: HTMLElement): Palette {
  const style = getComputedStyle(place);
  const { backgroundColor, fontFamily } = getComputedStyle(document.body);
  const colour = (name: string, fallback: string) => style.getPropertyValue(name).trim() || fallback;
  return {
    page: backgroundColor,
    text: style.color,
    quiet: resolved(colour('--quiet', style.color), style.color),
    line: resolved(colour('--line', style.color), style.color),
    integer: colour('--int8', style.color),
    float: colour('--other', style.color),
    focus: colour('--vscode-focusBorder', style.color),
    font: fontFamily,
  };
}

/** A canvas knows no references to other colours. */
const resolved = (colour: string, text: string) => (/^(var|currentcolor)/i.test(colour) ? text : colour);

import { visible } from '@quantsmith/schemas';

/** Finished HTML. Only `markup` makes it of texts, so a plain string can never pass for it. */
export interface Markup {
  readonly html: string;
}

type Value = string | number | Markup | readonly Markup[];

/** A template whose interpolated texts are escaped, for element content and for attributes in double quotes. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return { html: parts.reduce((text, part, index) => text + valueHtml(values[index - 1]!) + part) };
}

/** No markup. */
export const NOTHING: Markup = { html: '' };

function valueHtml(value: Value): string {
  // Sizes and places in charts: hundredths are finer than any screen.
  if (typeof value === 'number') return String(Math.round(value * 100) / 100);
  if (typeof value === 'string')
    return visible(value).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
  if ('html' in value) return value.html;
  return value.map((part) => part.html).join('');
}

import { visible } from '@quantsmith/schemas/escape';

type Child = Node | string;

/** An element with its attributes and children; texts from models show what is invisible in them. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.map((child) => (typeof child === 'string' ? visible(child) : child)));
  return made;
}

export function button(text: string, action: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button' }, text);
  made.addEventListener('click', action);
  return made;
}

/** A part of the page that its document promises. */
export function part(id: string): HTMLElement {
  const place = document.getElementById(id);
  if (place === null) throw new Error(`The page has no ${id}.`);
  return place;
}

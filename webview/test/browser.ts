// What pages need of a browser that happy-dom has not: sizes, a canvas, rows of tables, workers.
import { vi } from 'vitest';
import type { Graph } from '../src/graph/graph.js';
import { layoutOf } from '../src/graph/layout.js';

/** Pixels of everything on the page. */
export const SIZE = { width: 800, height: 600 };

/** What was drawn: calls of the canvas and what was assigned to it, in order. */
export type Drawing = [name: string, ...values: unknown[]][];

/** What is observed has its size at once, and keeps it. */
class PlayedObserver {
  constructor(readonly changed: () => void) {}

  observe(): void {
    this.changed();
  }
}

/** Gives every element a size, and every canvas a context that records. Returns what the last frame drew. */
export function playCanvas(): () => Drawing {
  const drawn: Drawing = [];
  const context = (canvas: HTMLCanvasElement) =>
    new Proxy(
      { canvas },
      {
        get: (target, name) =>
          name === 'canvas'
            ? target.canvas
            : (...values: unknown[]) => {
                drawn.push([String(name), ...values]);
              },
        set(_, name, value) {
          drawn.push([`${String(name)} =`, value]);
          return true;
        },
      },
    );
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockImplementation(function (this: HTMLCanvasElement) {
    return context(this) as never;
  });
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(SIZE.width);
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(SIZE.height);

  vi.stubGlobal('ResizeObserver', PlayedObserver);
  Object.defineProperty(HTMLTableSectionElement.prototype, 'rows', {
    configurable: true,
    get(this: HTMLTableSectionElement) {
      return this.querySelectorAll(':scope > tr');
    },
  });

  // A frame begins with the whole canvas in the colour of the page.
  return () =>
    drawn.slice(
      Math.max(
        0,
        drawn.findLastIndex(([name, , , width]) => name === 'fillRect' && width === SIZE.width),
      ),
    );
}

/** The texts of a drawing. */
export const textsOf = (drawing: Drawing): unknown[] =>
  drawing.flatMap(([name, text]) => (name === 'fillText' ? [text] : []));

/** Workers lay graphs out in this thread, from a copy as those of a browser do. `fails`: they end with an error. */
export function playWorkers({ fails = false } = {}): void {
  class PlayedWorker extends EventTarget {
    postMessage(graph: Graph): void {
      const data = fails ? undefined : layoutOf(structuredClone(graph));
      queueMicrotask(() => {
        const event = fails ? new Event('error') : new Event('message');
        this.dispatchEvent(Object.assign(event, { data, message: 'It broke.' }));
      });
    }

    terminate(): void {}
  }
  vi.stubGlobal('Worker', PlayedWorker);
  vi.stubGlobal('fetch', () => Promise.resolve({ blob: () => Promise.resolve(new Blob()) }));
  vi.spyOn(URL, 'createObjectURL').mockReturnValue('blob:worker');
  vi.spyOn(URL, 'revokeObjectURL').mockReturnValue();
  // Captured pointers are the browser's.
  HTMLElement.prototype.setPointerCapture = () => undefined;
}

/** Something that a person does, with whatever the event says of it. */
export function act(
  target: EventTarget,
  type: string,
  details: Readonly<Record<string, unknown>> = {},
): Event {
  const event = new Event(type, { bubbles: true, cancelable: true });
  for (const [name, value] of Object.entries(details)) Object.defineProperty(event, name, { value });
  target.dispatchEvent(event);
  return event;
}

/** Chooses or types a value. */
export function enter(control: HTMLInputElement | HTMLSelectElement, value: string, type = 'input'): void {
  control.value = value;
  act(control, type);
}

/** An element that is there. */
export function query(selector: string, root: ParentNode = document): HTMLElement {
  const found = root.querySelector<HTMLElement>(selector);
  if (found === null) throw new Error(`There is no ${selector}.`);
  return found;
}

/** An input or a list to choose from that is there. */
export function control(selector: string, root: ParentNode = document): HTMLInputElement | HTMLSelectElement {
  const found = query(selector, root);
  if (found instanceof HTMLInputElement || found instanceof HTMLSelectElement) return found;
  throw new Error(`${selector} takes no value.`);
}

export function buttonOf(text: string, root: ParentNode = document): HTMLButtonElement {
  const found = [...root.querySelectorAll('button')].find(({ textContent }) => textContent === text);
  if (found === undefined) throw new Error(`There is no button "${text}".`);
  return found;
}

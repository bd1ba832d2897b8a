import type { Host } from './host.js';
import { pngOf } from './picture.js';

/** Points of a curve can be reached by the keyboard, and say in words what they are; charts can be kept as pictures. */
export function startCharts(host: Host | null): void {
  for (const figure of document.querySelectorAll<HTMLElement>('figure.chart')) {
    const chart = figure.querySelector<SVGSVGElement>('svg.chart');
    if (chart === null) continue;
    startPoints(figure, chart, host);
    if (host !== null) offerPicture(figure, chart, host);
  }
}

function startPoints(figure: HTMLElement, chart: SVGSVGElement, host: Host | null): void {
  const points = [...chart.querySelectorAll<SVGElement>('[data-state]')];
  const [first] = points;
  if (first === undefined) return;
  // What can have the focus must not lie in a picture.
  chart.setAttribute('role', 'group');
  const readout = document.createElement('p');
  readout.className = 'readout';
  readout.setAttribute('role', 'status');
  readout.textContent = 'Point at a state, or walk through them with the arrow keys.';
  figure.append(readout);

  const show = (point: SVGElement) => {
    for (const other of points) other.setAttribute('tabindex', other === point ? '0' : '-1');
    readout.textContent = `${labelOf(point)} `;
    const step = Number(point.dataset['state']);
    if (host !== null && step >= 0) readout.append(takeButton(step));
  };

  for (const [index, point] of points.entries()) {
    point.setAttribute('tabindex', '-1');
    point.setAttribute('role', 'img');
    point.setAttribute('aria-label', labelOf(point));
    point.addEventListener('pointerenter', () => show(point));
    point.addEventListener('focus', () => show(point));
    point.addEventListener('keydown', (event) => {
      const { key } = event;
      const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
      if (way !== undefined) points[(index + way + points.length) % points.length]?.focus();
      if (key === 'Enter') readout.querySelector('button')?.focus();
      // The page must not scroll, and the same stroke must not press the button that has the focus now.
      if (way !== undefined || key === 'Enter') event.preventDefault();
    });
  }

  first.setAttribute('tabindex', '0');
}

const labelOf = (point: Element) => point.querySelector('title')?.textContent ?? '';

function takeButton(step: number): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Take this state';
  button.dataset['send'] = JSON.stringify({ type: 'state', step });
  return button;
}

function offerPicture(figure: HTMLElement, chart: SVGSVGElement, host: Host): void {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'picture';
  button.textContent = 'Save as PNG';
  const name = chart.querySelector('title')?.textContent ?? 'chart';
  button.ariaLabel = `Save as PNG: ${name}`;
  button.addEventListener('click', () => {
    void pngOf(chart).then((png) => host.post({ type: 'picture', name, png }));
  });
  figure.append(button);
}

import type { Host } from './host.js';

/** The host's SHOW_START (report/src/messages.ts). */
const SHOW_START = 'show-start';

/** Buttons send the host what they carry, and the host may ask for the start of the page. Without a host there are none. */
export function startMessages(host: Host | null): void {
  if (host === null) return;
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data === SHOW_START) window.scrollTo(0, 0);
  });
  document.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>('[data-send]') : null;
    if (button?.dataset['send'] !== undefined) host.post(JSON.parse(button.dataset['send']));
  });
}

import type { Host } from './host.js';

/** Buttons send the host what they carry. Without a host there are none. */
export function startMessages(host: Host | null): void {
  if (host === null) return;
  document.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>('[data-send]') : null;
    if (button?.dataset['send'] !== undefined) host.post(JSON.parse(button.dataset['send']));
  });
}

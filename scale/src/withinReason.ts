const LIMIT_MS = 2000;

/** Waits for what a server does, but not for ever: one that is gone does not keep a run from ending. Never rejects. */
export async function withinReason(body: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, LIMIT_MS)));
  await Promise.race([body().catch(() => undefined), limit]);
  clearTimeout(timer);
}

import { followTimeLeft, type EngineEvent } from '@quantsmith/schemas';
import { SingleBar } from 'cli-progress';

type ProgressEvent = Extract<EngineEvent, { type: 'progress' }>;

export interface Progress {
  readonly update: (event: ProgressEvent) => void;
  /** A line of its own, above the bar. */
  readonly line: (text: string) => void;
  readonly end: () => void;
}

/** In a pipe, a line at least this often, so that CI does not take a long run for a hanging one. */
const HEARTBEAT_MS = 20_000;

/** A bar with the time left of the run on a terminal; in a pipe a line for each stage, and a heartbeat. */
export function createProgress(stream: NodeJS.WriteStream, { quiet }: { readonly quiet: boolean }): Progress {
  if (quiet)
    return { update: () => undefined, line: (text) => void stream.write(`${text}\n`), end: () => undefined };
  return stream.isTTY ? bar(stream) : lines(stream, heartbeatInterval(process.env));
}

/** Seconds in QUANTSMITH_HEARTBEAT, else the default. */
function heartbeatInterval(env: NodeJS.ProcessEnv): number {
  const seconds = Number(env['QUANTSMITH_HEARTBEAT']);
  return seconds > 0 ? seconds * 1000 : HEARTBEAT_MS;
}

function lines(stream: NodeJS.WriteStream, interval: number): Progress {
  const left = followTimeLeft();
  let last: ProgressEvent | null = null;
  let wrote = performance.now();
  const write = (text: string) => {
    stream.write(`${text}\n`);
    wrote = performance.now();
  };

  const beat = setInterval(() => {
    if (last === null || performance.now() - wrote < interval) return;
    const counts = last.total === null ? '' : ` ${last.done}/${last.total}`;
    write(`${last.stage}${counts}, still running${left.text(last, ', ')}`);
  }, interval / 4);

  beat.unref();

  return {
    update(event) {
      left.observe(event);
      if (event.stage !== last?.stage) write(`${event.stage} …`);
      last = event;
    },
    line: write,
    end: () => clearInterval(beat),
  };
}

function bar(stream: NodeJS.WriteStream): Progress {
  const left = followTimeLeft();
  const single = new SingleBar({
    stream,
    format: '{stage} {bar} {value}/{total} {left}',
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    barCompleteChar: '█',
    barIncompleteChar: '░',
  });

  let started = false;
  const payload = (event: ProgressEvent) => ({
    stage: event.stage.padEnd(9),
    left: left.text(event, ''),
  });

  return {
    update(event) {
      left.observe(event);
      const total = event.total ?? 1;
      if (!started) single.start(total, event.done, payload(event));
      else {
        single.setTotal(total);
        single.update(Math.min(event.done, total), payload(event));
      }

      started = true;
    },
    line(text) {
      stream.write(`\r\u001b[K${text}\n`);
    },
    end() {
      if (started) single.stop();
    },
  };
}

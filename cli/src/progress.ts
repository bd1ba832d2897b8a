import { SingleBar } from 'cli-progress';
import type { EngineEvent } from '@quantsmith/schemas';

type ProgressEvent = Extract<EngineEvent, { type: 'progress' }>;

export interface Progress {
  readonly update: (event: ProgressEvent) => void;
  /** A line of its own, above the bar. */
  readonly line: (text: string) => void;
  readonly end: () => void;
}

/** A bar with the time left on a terminal, plain lines (one for each stage) in a pipe. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? bar(stream) : lines(stream);
}

function lines(stream: NodeJS.WriteStream): Progress {
  let stage = '';
  return {
    update(event) {
      if (event.stage === stage) return;
      stage = event.stage;
      stream.write(`${stage} …\n`);
    },
    line: (text) => void stream.write(`${text}\n`),
    end: () => undefined,
  };
}

function bar(stream: NodeJS.WriteStream): Progress {
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
    left: event.secondsLeft === null ? '' : `${Math.ceil(event.secondsLeft)} s left`,
  });
  return {
    update(event) {
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

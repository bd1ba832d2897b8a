import type { RunRequest } from '@quantsmith/schemas';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Places where somebody may say that an output goes, and what becomes of each: the table of docs/security.md.

/** Refused: `output-unusable`, and everything is as it was. */
export type Fate = 'refused' | 'written' | 'replaced';

export interface Place {
  /** As the table calls it; Markdown. */
  readonly name: string;
  /** The output, relative to the folder of the config or absolute; what has to be there is made. */
  readonly make: (home: string, tools: PlaceTools) => string;
  readonly force?: boolean;
  readonly root: Fate;
  /** An ordinary user; default: as root. */
  readonly user?: Fate;
}

interface PlaceTools {
  /** A model that quantsmith wrote, and its report. */
  readonly ours: (path: string) => void;
  /** A Unix socket that somebody listens at. */
  readonly socket: (path: string) => void;
}

export interface PlaceQuestion {
  readonly request: RunRequest;
  /** The folder of the config, to work in. */
  readonly home: string;
}

export interface PlaceAnswer {
  readonly exit: number;
  readonly code: string | null;
  readonly message: string;
  readonly file: string | null;
}

const OUT = 'out.onnx';
/** The output is made to be something beforehand. */
const at = (make: (path: string, home: string, tools: PlaceTools) => void) => {
  return (home: string, tools: PlaceTools) => {
    make(join(home, OUT), home, tools);
    return OUT;
  };
};

const fifo = (path: string) => {
  execFileSync('mkfifo', [path]);
};

const notes = (path: string) => writeFileSync(path, 'notes');
const folder = (path: string) => {
  mkdirSync(path);
};

const linkTo = (target: string) => at((path) => symlinkSync(target, path));
const refused = (name: string, make: Place['make'], force?: boolean): Place => ({
  ...{ name, make, root: 'refused' },
  ...(force === undefined ? {} : { force }),
});

/** Something in the config's folder, and a link to it where the output goes. */
const linked = (make: (path: string, tools: PlaceTools) => void, link: typeof symlinkSync = symlinkSync) =>
  at((path, home, tools) => {
    make(join(home, 'other.onnx'), tools);
    link(link === symlinkSync ? 'other.onnx' : join(home, 'other.onnx'), path);
  });
const hardLink: typeof symlinkSync = (target, path) => linkSync(target, path);
const beside = (ending: string, make: (path: string) => void) => at((path) => make(`${path}${ending}`));
const lock = (make: (path: string) => void) => at((_, home) => make(join(home, `.${OUT}.quantsmith`)));
const inPlace = (make: (path: string, tools: PlaceTools) => void) =>
  at((path, _, tools) => make(path, tools));
const socket = (path: string, tools: PlaceTools) => tools.socket(path);
const ours = (path: string, tools: PlaceTools) => tools.ours(path);
const namedNotes = (home: string) => {
  notes(join(home, 'notes.txt'));
  return 'notes.txt';
};

export const PLACES: readonly Place[] = [
  refused('`/dev/null`', () => '/dev/null'),
  refused('`/dev/null`, with `--force`', () => '/dev/null', true),
  refused('`/dev/full`', () => '/dev/full'),
  refused('`/dev/stdout`', () => '/dev/stdout'),
  refused('a FIFO', inPlace(fifo)),
  refused('a FIFO, with `--force`', inPlace(fifo), true),
  refused('a socket', inPlace(socket)),
  refused('a socket, with `--force`', inPlace(socket), true),
  refused('a folder', inPlace(folder)),
  refused('a folder, with `--force`', inPlace(folder), true),
  refused('a link to a device', linkTo('/dev/null')),
  refused('a link to a device, with `--force`', linkTo('/dev/null'), true),
  refused('a link to a FIFO', linked(fifo)),
  refused('a link to a socket', linked(socket)),
  refused('a link to a folder', linkTo('.')),
  refused('a link to nothing', linkTo('nowhere')),
  refused('a link to itself', linkTo(OUT)),
  refused('the model, with `--force`', () => 'm.onnx', true),
  refused('the model by another path, with `--force`', (home) => join(home, 'none/../m.onnx'), true),
  refused('a link to the model, with `--force`', linkTo('m.onnx'), true),
  refused(
    'a hard link to the model, with `--force`',
    at((path, home) => linkSync(join(home, 'm.onnx'), path)),
    true,
  ),
  refused('the config, with `--force`', () => 'c.quant.yaml', true),
  refused('the calibration data, with `--force`', () => 'x.npy', true),
  refused('`notes.txt`', namedNotes),
  refused('a link to such a file', linked(notes)),
  refused('a hard link to such a file', linked(notes, hardLink)),
  refused(
    'a model of somebody else',
    at((path, home) => copyFileSync(join(home, 'm.onnx'), path)),
  ),
  refused(
    'an empty file',
    inPlace((path) => writeFileSync(path, '')),
  ),
  refused('a FIFO where the report goes, with `--force`', beside('.report.json', fifo), true),
  refused('a folder where the report goes, with `--force`', beside('.report.json', folder), true),
  refused('a file of somebody else where the report goes', beside('.report.json', notes)),
  refused('a file of somebody else where the journal goes', beside('.restore.jsonl', notes)),
  refused('a file where the lock goes', lock(notes)),
  refused(
    'a link where the lock goes',
    lock((path) => symlinkSync('.', path)),
  ),
  refused('a name of 250 bytes', () => `${'x'.repeat(245)}.onnx`),
  refused('a folder that does not exist', () => 'none/x.onnx'),
  refused('a path below a file', () => 'm.onnx/x.onnx'),
  refused('a name with a null character', () => 'a\0.onnx'),
  refused('`/proc/self/x.onnx`', () => '/proc/self/x.onnx'),
  refused('`/sys/x.onnx`', () => '/sys/x.onnx'),
  {
    name: 'a read-only folder',
    make(home) {
      folder(join(home, 'locked'));
      chmodSync(join(home, 'locked'), 0o555);
      return `locked/${OUT}`;
    },
    ...{ root: 'written', user: 'refused' },
  },
  { name: 'a new file', make: () => OUT, root: 'written' },
  { name: 'a name with a line break', make: () => 'a\nb.onnx', root: 'written' },
  { name: 'our own file', make: inPlace(ours), root: 'replaced' },
  {
    name: 'our own file, read-only',
    make: inPlace((path, tools) => {
      ours(path, tools);
      chmodSync(path, 0o444);
    }),
    root: 'replaced',
  },
  { name: 'a link to our own file: the link', make: linked(ours), root: 'replaced' },
  { name: 'a hard link to our own file: this name', make: linked(ours, hardLink), root: 'replaced' },
  { name: '`notes.txt`, with `--force`', make: namedNotes, force: true, root: 'replaced' },
  {
    name: 'a link to nothing, with `--force`: the link',
    make: linkTo('nowhere'),
    force: true,
    root: 'replaced',
  },
];

/** The table as docs/security.md has it, a line for each place; cells are not padded. */
export function placesTable(): string[] {
  const word: Readonly<Record<Fate, string>> = {
    refused: '4, untouched',
    written: '0, written',
    replaced: '0, replaced',
  };

  return PLACES.map(({ name, root, user = root }) => `| ${name} | ${word[root]} | ${word[user]} |`);
}

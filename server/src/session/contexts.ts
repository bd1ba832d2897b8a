import type { ConfigContext, ConfigDocument, Inherited, Surroundings } from '@quantsmith/service';
import { gathering, type Gathering } from '../sources/context.js';
import type { Sources } from '../sources/sources.js';

/** Milliseconds for which files beside a config are not looked at again, unless something is known to have changed. */
const KNOWN_MS = 1000;

/** What open configs lead to, gathered once for each version of their text. */
export interface Contexts {
  readonly of: (document: ConfigDocument) => Promise<ConfigContext>;
  /** What questions about one place need of it, which is there sooner. */
  readonly around: (document: ConfigDocument) => Promise<Surroundings>;
  /** URIs of the configs that extend a file, or name it as one that they extend. */
  readonly extending: (file: string) => Promise<string[]>;
  /** Without a URI: all. */
  readonly forget: (uri?: string) => void;
}

export interface ContextOptions {
  readonly sources: Sources;
  readonly fileOf: (uri: string) => string | null;
  /** Milliseconds that an answer waits for what files say. */
  readonly patience: number;
  /** Something that was unknown is known now. */
  readonly onLate: () => void;
}

export function createContexts({ sources, fileOf, patience, onLate }: ContextOptions): Contexts {
  const known = new Map<string, { document: ConfigDocument; until: number; gathered: Gathering }>();

  const gatheredOf = (document: ConfigDocument): Gathering => {
    const { uri } = document.text;
    const cached = known.get(uri);
    if (cached?.document === document && performance.now() < cached.until) return cached.gathered;

    const options = {
      milliseconds: patience,
      onLate() {
        if (known.get(uri)?.gathered === gathered) known.delete(uri);
        onLate();
      },
    };

    const gathered = gathering(document, fileOf(uri), sources, options);
    known.set(uri, { document, until: performance.now() + KNOWN_MS, gathered });

    return gathered;
  };

  return {
    of: (document) => gatheredOf(document).whole(),
    around: (document) => gatheredOf(document).around,
    async extending(file) {
      const all = await Promise.all(
        [...known].map(async ([uri, { gathered }]) => ({
          uri,
          inherited: (await gathered.around).inherited,
        })),
      );

      return all.filter(({ inherited }) => extendsFile(inherited, file)).map(({ uri }) => uri);
    },
    forget(uri) {
      if (uri === undefined) known.clear();
      else known.delete(uri);
    },
  };
}

/** Whether a file is among those that a config extends, or names as one. */
export const extendsFile = ({ layers, problem }: Inherited, file: string) =>
  problem?.file === file || layers.some((layer) => layer.file === file);

import type { ModelSummary, QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import type { Inherited } from '../extends/inherit.js';
import type { FileFacts } from '../facts/facts.js';
import type { ModelIndex } from '../facts/modelIndex.js';

/** What of a run has changed since; null: nothing; unknown: that was not found out, or not yet. */
export type Change = 'config' | 'model' | 'data' | 'unknown' | null;

/** What a question about one place of a config needs, as far as it is known. */
export interface Surroundings {
  /** The config's folder; null: it is not saved. */
  readonly baseDir: string | null;
  /** What it takes over from the configs that it extends. */
  readonly inherited: Inherited;
  readonly model: ModelSummary | null;
  /** Of that model; null: there is none. */
  readonly index: ModelIndex | null;
  /** Why the model cannot be read. */
  readonly modelProblem: string | null;
  readonly report: QuantizationReport | null;
  /** Why what lies where the report goes cannot be read as one; null or absent: it can, or there is none. */
  readonly reportProblem?: string | null;
  /** What has changed since the report was made. */
  readonly changed: Change;
  /** What the document says that all of this was found out for. */
  readonly meaning?: Meaning;
}

/** What a config leads to, as far as it is known. */
export interface ConfigContext extends Surroundings {
  readonly facts: FileFacts;
  /** The config's value with what it inherits; null when it is not valid. */
  readonly config: QuantizationConfig | null;
  /** Where the model will be written; null: the config names no model yet, or that is not known. */
  readonly output: OutputContext | null;
  /** Whether loaders and metrics of the config must not run here; absent: nobody has said. */
  readonly modulesBlocked?: boolean;
}

/** What a text says, with what it inherits. */
export interface Meaning {
  readonly document: ConfigDocument;
  /** undefined: it is too large to be expanded. */
  readonly value: unknown;
  /** The same if it is a valid config. */
  readonly config: QuantizationConfig | null;
}

/** What is known of the place where a config's model goes. */
export interface OutputContext {
  /** Absolute. */
  readonly file: string;
  /** Why it cannot be written there, as the end of a sentence that begins with the file; null: it can. */
  readonly obstacle: string | null;
  /** Names of other configs in the folder with the same output. */
  readonly sharedWith: readonly string[];
}

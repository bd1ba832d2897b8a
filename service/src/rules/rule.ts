import type { ModelSummary, QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import type { ConfigContext } from '../context/context.js';
import type { ConfigDocument } from '../document/document.js';
import type { FileFacts } from '../facts/facts.js';
import type { ModelIndex } from '../facts/modelIndex.js';
import type { Code, Finding } from '../findings/finding.js';
import type { FixTable } from '../findings/fix.js';
import type { ListMemory } from './listMemory.js';

/** What there is to judge: the text, what it means, and what is known beside it. */
export interface RuleInput extends Omit<ConfigContext, 'config'> {
  readonly document: ConfigDocument;
  /** The value with what it inherits, valid or not; undefined: it is too large to be expanded. */
  readonly value: unknown;
  /** null: it is not valid. */
  readonly config: QuantizationConfig | null;
  readonly facts: FileFacts;
  readonly lists: ListMemory;
}

/** What a rule cannot do without; where that is missing, it is not asked. */
interface Needed {
  readonly text: RuleInput;
  /** The meaning of the text, which has no syntax error as a whole. */
  readonly value: RuleInput;
  readonly config: RuleInput & { readonly config: QuantizationConfig };
  readonly model: RuleInput & { readonly model: ModelSummary; readonly index: ModelIndex };
  /** Facts about files: the config is saved. */
  readonly data: RuleInput & { readonly baseDir: string };
  readonly run: RuleInput & { readonly config: QuantizationConfig; readonly report: QuantizationReport };
}
export type Need = keyof Needed;

/** A config that a rule finds something in, and what it should say instead; null: there is no one answer. */
interface Example {
  readonly code: Code;
  readonly before: string;
  readonly after: string | null;
}

/** Everything about one kind of mistake. */
export interface Rule<N extends Need = Need> {
  /** What it may find. */
  readonly codes: readonly Code[];
  readonly needs: N;
  readonly check: (input: Needed[N]) => Finding[];
  readonly fixes?: FixTable;
  /** Codes whose only fix writes the same in other letters: such fixes are applied without being asked for each. */
  readonly spelling?: readonly Code[];
  /** Whether a comment may leave its findings out: not where a run refuses the config for them. */
  readonly suppressible: boolean;
  /** What docs/diagnostics.md says of each code, in Markdown; of a code of several rules one of them says it. */
  readonly sections?: Readonly<Partial<Record<Code, string>>>;
  /** Shown in docs/diagnostics.md, and tested. */
  readonly examples: readonly Example[];
}

/** A rule whose check is held to what it needs. */
export function defineRule<N extends Need>(rule: Rule<N>): AnyRule {
  return {
    ...rule,
    checkIf: (input) => (has(rule.needs, input) ? rule.check(input as Needed[N]) : []),
  };
}

/** A rule that asks for itself whether there is what it needs. */
export interface AnyRule extends Omit<Rule, 'check'> {
  readonly checkIf: (input: RuleInput) => Finding[];
}

function has(need: Need, { value, document, config, model, baseDir, report }: RuleInput): boolean {
  switch (need) {
    case 'text':
      return true;
    case 'value':
      return value !== undefined || document.tree.root === null;
    case 'config':
      return config !== null;
    case 'model':
      return model !== null;
    case 'data':
      return baseDir !== null;
    case 'run':
      return config !== null && report !== null;
  }
}

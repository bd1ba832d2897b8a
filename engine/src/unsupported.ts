import type { ResolvedConfig } from '@quantsmith/schemas';
import type { ConfigPath, Problem } from './problem.js';

interface Unsupported {
  readonly path: ConfigPath;
  readonly applies: (config: ResolvedConfig) => boolean;
  readonly message: string;
}

const RESTORER = ['accuracy_control', 'advanced_accuracy_restorer_params'] as const;

/** Settings that the schema knows and this version does not act on yet. None of them is ignored in silence. */
const UNSUPPORTED: readonly Unsupported[] = [
  {
    path: [...RESTORER, 'tune_hyperparams'],
    applies: ({ accuracy_control: control }) =>
      control?.advanced_accuracy_restorer_params.tune_hyperparams === true,
    message: 'tune_hyperparams is not available yet; operators go back to float without it.',
  },
  {
    path: [...RESTORER, 'convert_to_mixed_preset'],
    applies: ({ accuracy_control: control }) =>
      control?.advanced_accuracy_restorer_params.convert_to_mixed_preset === true,
    message: 'convert_to_mixed_preset is not available yet; operators go back to float without it.',
  },
];

/** A warning for every setting of the config that this version does not act on. */
export function unsupportedSettings(config: ResolvedConfig): Problem[] {
  return UNSUPPORTED.filter(({ applies }) => applies(config)).map(({ path, message }) => ({
    code: 'not-supported-yet',
    severity: 'warning',
    message,
    configPath: path,
  }));
}

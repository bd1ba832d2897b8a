import type { ModelProto } from '@quantsmith/model/onnx';
import type { QuantizationConfig } from '@quantsmith/schemas';
import type { Samples } from './arrays.js';

/** What is done to a subject before the run. Everything left out stays as it is. */
interface Change {
  readonly config?: (config: QuantizationConfig) => QuantizationConfig;
  readonly model?: (model: ModelProto) => ModelProto;
  /** Of .npy files. */
  readonly calibration?: (samples: Samples) => Samples;
  readonly validation?: (samples: Samples) => Samples;
  readonly labels?: (labels: Samples) => Samples;
  /** Of the lines of a csv with labels, without its head. */
  readonly labelLines?: (file: string, label: number) => string;
}

/** A run and the findings that it must have: one of them is enough. None: a healthy run. */
export interface Case {
  readonly name: string;
  /** One of `subjects`. */
  readonly subject: string;
  readonly change?: Change;
  readonly expected: readonly string[];
  /** Text of a finding, or of the error that ends the run, that points at the fault as well as an expected code does. */
  readonly says?: RegExp;
}

/** The findings that say that something is wrong with model, data or result; on a healthy run each is a false alarm. */
export const ALARMS: ReadonlySet<string> = new Set([
  'output-damaged',
  'layer-collapse',
  'calibration-clipped',
  'float-accuracy-implausible',
  'samples-alike',
  'not-verified',
  'float-ambiguous',
  'target-missed',
]);

type Preprocess = Record<string, unknown>;
type Part = 'calibration' | 'validation';

/** The config with the preprocessing of some of its data changed. */
export const preprocess =
  (parts: readonly Part[], change: Preprocess) =>
  (config: QuantizationConfig): QuantizationConfig => {
    const { calibration, validation } = config.data;
    const changed = <Section extends object>(part: Part, section: Section & { preprocess?: object }) =>
      parts.includes(part) ? { ...section, preprocess: { ...section.preprocess, ...change } } : section;
    const data = {
      calibration: changed('calibration', calibration),
      ...(validation === undefined ? {} : { validation: changed('validation', validation) }),
    };

    return { ...config, data };
  };

/** The config with other keys below `quantization`. */
export const quantization =
  (change: NonNullable<QuantizationConfig['quantization']>) =>
  (config: QuantizationConfig): QuantizationConfig => ({
    ...config,
    quantization: { ...config.quantization, ...change },
  });

/** The config with other advanced parameters. */
export const advanced = (
  change: NonNullable<NonNullable<QuantizationConfig['quantization']>['advanced_parameters']>,
) => quantization({ advanced_parameters: change });

/** The config without validation data. */
export const withoutValidation = (config: QuantizationConfig): QuantizationConfig => ({
  ...config,
  data: { calibration: config.data.calibration },
});

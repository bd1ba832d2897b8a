import { decibels as inDecibels, rounded, sqnrText, type Problem } from '@quantsmith/schemas';
import type { OutputAgreement } from './outputs.js';
import {
  isRounding,
  UNKNOWN_FLOAT_DB,
  type FloatAgreement,
  type UnfitOperator,
  type Verification,
} from './verify.js';

/**
 * Below these an output is useless, whatever the metric says; then those below which somebody should look. An output that is
 * all zero, or of which nothing is left, lies at 0 dB; at 3 dB the noise has half the signal's power.
 */
const DAMAGED = { sqnrDb: 3, agreement: 0.75, correlation: 0.3 } as const;
/**
 * About the mean an output is judged where it has no largest value: an autoencoder's has a form that says more than what varies. It is
 * never more than doubtful: on samples that are all alike what varies may be noise that nobody reads.
 */
const DOUBTFUL = { sqnrDb: 10, aboutMeanDb: 3, agreement: 0.9, correlation: 0.7 } as const;

/** Float models agree with themselves at 100 dB and more. Below this one is not one with itself, in dB. */
const SAME_FLOAT_DB = 40;
/** Optimizations that differ by so much more than rounding does compute something else. */
const BEYOND_ROUNDING_DB = 20;

/** What is said of a float model whose pads the optimizer takes for those of pooling. */
const KEPT_FROM =
  'They take zeros in front of a pooling for its own padding. "Float" in this report is what the model says, and the quantized model computes the same.';

/** Said where the self-check compared no operators. `owner`: the node in whose body they are; null: the model itself. */
export function notComparedProblem(owner: string | null): Problem {
  const subject = owner === null ? 'the model' : `the body of "${owner}"`;
  const them = owner === null ? 'the operators' : `the operators inside "${owner}"`;
  return {
    code: 'operators-not-compared',
    severity: 'info',
    message: `The self-check compared the outputs, but not ${them} one by one: ONNX Runtime cannot load the parts into which ${subject} was cut for that.`,
    ...(owner === null ? {} : { data: { node: owner } }),
  };
}

/** Said of a float model that the runtime does not load, or not run, with its optimizations. `pads`: what they misread. */
export function refusedFormProblem(pads: readonly string[]): Problem {
  const names = pads.map((name) => `"${name}"`).join(', ');
  return {
    code: 'float-refused',
    severity: 'warning',
    message: `ONNX Runtime refuses the float model with its optimizations: it takes the zeros of ${names} in front of a pooling for the pooling's own padding, which is too wide then. The quantized model has a number next to zero there, and loads.`,
    configPath: ['model'],
    data: { pads: [...pads] },
  };
}

/** What is known beside the outputs. */
export interface DamageContext {
  /** Whether 16-bit sums saturate here. */
  readonly saturates: boolean;
  /** Whether labels say that accuracy is kept: they have the last word on an output that only may be damaged. */
  readonly accuracyKept: boolean;
}

/** What has to be said of a finished model: outputs that are damaged, kernels that do not compute what was intended. */
export function verificationProblems(verification: Verification, context: DamageContext): Problem[] {
  return [
    ...verification.float.flatMap(ambiguityOf),
    ...damagedOutputs(verification, context).map((output) => damageOf(output, verification)),
    ...(verification.passed ? [] : [notVerified(verification, context.saturates)]),
    ...(verification.unfit === null ? [notComparedProblem(null)] : []),
  ];
}

/** Outputs that are damaged, or may be. */
export function damagedOutputs(
  { outputs, float }: Pick<Verification, 'outputs' | 'float'>,
  { accuracyKept }: Pick<DamageContext, 'accuracyKept'>,
): readonly OutputAgreement[] {
  const unknown = new Set(float.filter(isUnknown).map(({ name }) => name));
  // A metric may read one output of several.
  const isKept = accuracyKept && outputs.length === 1;

  return outputs.filter(
    (output) =>
      !unknown.has(output.name) && (isBelow(output, DAMAGED) || (!isKept && isBelow(output, DOUBTFUL))),
  );
}

const isOptimizedWrongly = ({ optimizedDb, steadyDb }: FloatAgreement) =>
  optimizedDb !== null &&
  optimizedDb < SAME_FLOAT_DB &&
  (steadyDb === null || steadyDb > optimizedDb + BEYOND_ROUNDING_DB);
const isUnknown = (output: FloatAgreement) =>
  isRounding(output) ||
  (!output.isKeptFrom && output.optimizedDb !== null && output.optimizedDb < UNKNOWN_FLOAT_DB);

/** What is to be said of an output in which the float model is not one with itself. */
function ambiguityOf(output: FloatAgreement): Problem[] {
  const isNoise = isRounding(output);
  if (!isNoise && !isOptimizedWrongly(output)) return [];
  const { name, optimizedDb, steadyDb, isKeptFrom } = output;
  const message = isNoise
    ? `The float model's output "${name}" is rounding noise: it changes altogether (SQNR ${decibels(steadyDb)}) when the last bits of the inputs do. Its figures say nothing of the quantized model.`
    : `The float model's output "${name}" depends on ONNX Runtime's optimizations: with and without them it differs (SQNR ${decibels(optimizedDb)}). ${isKeptFrom ? KEPT_FROM : '"Float" in this report is the model with optimizations, which may be the wrong one.'}`;

  return [
    {
      code: 'float-ambiguous',
      severity: isNoise ? 'info' : 'warning',
      message,
      data: { ...output },
    },
  ];
}

function damageOf(output: OutputAgreement, { samples, inSample }: Verification): Problem {
  const isDamaged = isBelow(output, DAMAGED);
  const where = `${samples} ${inSample ? 'calibration samples' : 'held-out samples'}`;

  return {
    code: 'output-damaged',
    severity: isDamaged ? 'error' : 'warning',
    message: `The output "${output.name}" ${isDamaged ? 'is damaged' : 'may be damaged'} by quantization: ${figures(output)} against the float model on ${where}.`,
    data: { ...output, samples, inSample },
  };
}

interface Bounds {
  readonly sqnrDb: number;
  /** Left out: it has no say. */
  readonly aboutMeanDb?: number;
  readonly agreement: number;
  readonly correlation: number;
}

/** An output is judged by what it is read for: where the largest value decides, noise elsewhere does no harm. */
function isBelow(
  { sqnrDb, aboutMeanDb, agreement, weakCorrelation }: OutputAgreement,
  bounds: Bounds,
): boolean {
  if (weakCorrelation !== null && weakCorrelation < bounds.correlation) return true;
  if (sqnrDb === null) return false;
  if (agreement === null) {
    const isLost = aboutMeanDb !== null && aboutMeanDb < (bounds.aboutMeanDb ?? Number.NEGATIVE_INFINITY);
    return isLost || sqnrDb < bounds.sqnrDb;
  }

  return sqnrDb < bounds.sqnrDb && agreement < bounds.agreement;
}

function figures({ sqnrDb, aboutMeanDb, agreement, weakCorrelation }: OutputAgreement): string {
  return [
    ...(sqnrDb === null ? [] : [sqnrText(sqnrDb, aboutMeanDb)]),
    ...(agreement === null ? [] : [`the same largest value in ${(100 * agreement).toFixed(1)} %`]),
    ...(weakCorrelation === null ? [] : [`weakest columns correlated ${rounded(weakCorrelation, 2)}`]),
  ].join(', ');
}

function notVerified(
  { unfit: compared, optimizedDb, unoptimizedDb }: Verification,
  saturates: boolean,
): Problem {
  const unfit = compared ?? [];
  const [first] = unfit;
  const why = saturates ? ' 16-bit sums saturate on this CPU: see overflow_fix.' : '';
  const message =
    first === undefined
      ? `The runtime's optimizations change the outputs (${decibels(optimizedDb)}) by more than quantization does (${decibels(unoptimizedDb)}).`
      : `The runtime computes other codes than intended in ${unfit.length === 1 ? '' : `${unfit.length} operators, first `}${described(first)}.${why}`;

  return {
    code: 'not-verified',
    severity: 'warning',
    message,
    data: { operators: unfit.map(({ node }) => node), optimizedDb, unoptimizedDb },
  };
}

/** What is said of operators that stay in float because their kernels do not compute what was intended. */
export function unfitProblems(unfit: readonly UnfitOperator[]): Problem[] {
  return unfit
    .filter(({ toFloat }) => toFloat.length > 0)
    .map((operator) => ({
      code: 'operator-unfit',
      severity: 'info',
      message: `${described(operator)} stays in float${withReaders(operator)}: the runtime's integer kernel gives other codes than intended.`,
      data: { ...operator },
    }));
}

function withReaders({ node, toFloat }: UnfitOperator): string {
  const others = toFloat.filter((name) => name !== node);
  return others.length === 0 ? '' : `, and with it what reads its codes (${others.join(', ')})`;
}

const described = ({ node, op, codes, different, largest }: UnfitOperator) =>
  `${op} ${node} (${different} of ${codes} codes differ, by up to ${largest})`;

const decibels = (value: number | null) => (value === null ? 'unknown' : inDecibels(value));

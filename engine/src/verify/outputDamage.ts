import type { Problem } from '@quantsmith/schemas';
import type { OutputAgreement } from './outputs.js';
import type { UnfitOperator, Verification } from './verify.js';

/**
 * Below these an output is useless, whatever the metric says; then those below which somebody should look. An output that is
 * all zero, or of which nothing is left, lies at 0 dB; at 3 dB the noise has half the signal's power.
 */
const DAMAGED = { sqnrDb: 3, agreement: 0.5, correlation: 0.3 } as const;
const DOUBTFUL = { sqnrDb: 10, agreement: 0.9, correlation: 0.7 } as const;

/** What has to be said of a finished model: outputs that are damaged, kernels that do not compute what was intended. */
export function verificationProblems(verification: Verification, saturates: boolean): Problem[] {
  return [
    ...verification.outputs.flatMap((output) => damageOf(output, verification)),
    ...(verification.passed ? [] : [notVerified(verification, saturates)]),
  ];
}

/** Outputs that are damaged, or may be. */
export const damagedOutputs = ({ outputs }: Pick<Verification, 'outputs'>): readonly OutputAgreement[] =>
  outputs.filter((output) => isBelow(output, DAMAGED) || isBelow(output, DOUBTFUL));

function damageOf(output: OutputAgreement, { samples, inSample }: Verification): Problem[] {
  const isDamaged = isBelow(output, DAMAGED);
  if (!isDamaged && !isBelow(output, DOUBTFUL)) return [];
  const where = `${samples} ${inSample ? 'calibration samples' : 'held-out samples'}`;

  return [
    {
      code: 'output-damaged',
      severity: isDamaged ? 'error' : 'warning',
      message: `The output "${output.name}" ${isDamaged ? 'is damaged' : 'may be damaged'} by quantization: ${figures(output)} against the float model on ${where}.`,
      data: { ...output, samples, inSample },
    },
  ];
}

/** An output is judged by what it is read for: where the largest value decides, noise elsewhere does no harm. */
function isBelow(
  { sqnrDb, agreement, weakCorrelation }: OutputAgreement,
  bounds: { readonly sqnrDb: number; readonly agreement: number; readonly correlation: number },
): boolean {
  if (weakCorrelation !== null && weakCorrelation < bounds.correlation) return true;
  if (sqnrDb === null) return false;
  return sqnrDb < bounds.sqnrDb && (agreement === null || agreement < bounds.agreement);
}

function figures({ sqnrDb, agreement, weakCorrelation }: OutputAgreement): string {
  return [
    ...(sqnrDb === null ? [] : [`SQNR ${sqnrDb.toFixed(1)} dB`]),
    ...(agreement === null ? [] : [`the same largest value in ${(100 * agreement).toFixed(1)} %`]),
    ...(weakCorrelation === null ? [] : [`weakest columns correlated ${weakCorrelation.toFixed(2)}`]),
  ].join(', ');
}

function notVerified({ unfit, optimizedDb, unoptimizedDb }: Verification, saturates: boolean): Problem {
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

const decibels = (value: number | null) => (value === null ? 'unknown' : `${value.toFixed(1)} dB`);

import { fail, QuantsmithError, type Problem } from '@quantsmith/schemas';
import { revertOperators } from '../placement/revert.js';
import type { Feeds } from '../runtime/batch.js';
import { createSession, run } from '../runtime/session.js';
import { buildModel, sessionOptions, type Quantization } from './quantization.js';

/** More operators than these are not left in float one by one: then something else is wrong. */
const MAX_REFUSED = 8;

/** A quantization that runs, with what had to stay in float for that. */
export interface Runnable {
  readonly quantization: Quantization;
  readonly float: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/**
 * Runs the quantized model once. What the runtime's integer kernels refuse (scales too far apart, a fusion that makes an invalid
 * graph) is no fault of the user's model, which has run before: the operator that the runtime names is left in float, with a
 * warning. Throws `internal-quantized-model` where no operator can be told.
 */
export async function leaveRefusedInFloat(quantization: Quantization, feeds: Feeds): Promise<Runnable> {
  const float = new Set<string>();
  const problems: Problem[] = [];
  let current = quantization;
  while (true) {
    const reason = await refusal(current, feeds);
    if (reason === null) return { quantization: current, float, problems };
    // What the text is about may stand in a body.
    const operator = namedOperator(current, reason) ?? current.bodies?.[0]?.owner;
    if (operator === undefined || float.has(operator) || float.size === MAX_REFUSED)
      return internalFault(reason);
    float.add(operator);
    problems.push({
      code: 'operator-refused',
      severity: 'warning',
      message: `ONNX Runtime refuses "${operator}" as an integer operator (${reason}): it stays in float.`,
      configPath: ['model'],
      data: { node: operator, reason },
    });
    current = inFloat(quantization, float);
  }
}

/** The quantization with these operators in float, whatever is decided later. */
export function inFloat(quantization: Quantization, operators: ReadonlySet<string>): Quantization {
  if (operators.size === 0) return quantization;
  const { placement, prepared, biases, bodies = [] } = quantization;
  const reverted = revertOperators(prepared.graph, placement, operators);

  return {
    ...quantization,
    placement: { ...reverted, float: new Set([...placement.float, ...operators]) },
    biases: biases.filter(({ port }) => !operators.has(port.node)),
    bodies: bodies.filter(({ owner }) => !operators.has(owner)),
  };
}

/** Why the runtime does not load or run the quantized model; null: it does. */
async function refusal(quantization: Quantization, feeds: Feeds): Promise<string | null> {
  try {
    const model = buildModel(quantization, new Set());
    const session = await createSession(model, { threads: 1, ...sessionOptions(quantization) });
    try {
      await run(session, feeds);
      return null;
    } finally {
      await session.release();
    }
  } catch (error) {
    if (!(error instanceof QuantsmithError) || error.problem.code === 'runtime-out-of-memory') throw error;
    const { reason } = error.problem.data ?? {};
    if (typeof reason === 'string') return reason;
    throw error;
  }
}

/** The operator of the prepared model that the runtime's text is about. */
function namedOperator({ prepared: { graph } }: Quantization, reason: string): string | undefined {
  const named = [
    ...reason.matchAll(/Name:'([^']+)'/g),
    ...reason.matchAll(/\(([^()\s]+)\)/g),
    ...reason.matchAll(/"([^"]+)"/g),
  ].map((match) => match[1]!.replace(/_token_\d+$/, ''));

  return named.find((name) => graph.node(name) !== undefined);
}

function internalFault(reason: string): never {
  return fail(
    'internal-quantized-model',
    `Bug in Quantsmith, not in your model: ONNX Runtime refuses the quantized model (${reason}). Please report it.`,
    { data: { reason } },
  );
}

import type { DraftData, DraftSource } from '@quantsmith/schemas';

/** What a client says of a config that it wants. */
export interface Choices {
  /** undefined: nothing was chosen; the data are looked for. */
  readonly chosen?: DraftData;
  readonly maxDrop?: number;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The argument of the command that makes a config; what has another form counts as not given. */
export function readChoices(value: unknown): Choices {
  if (!isRecord(value)) return {};
  const [calibration, validation] = [sourceIn(value['calibration']), sourceIn(value['validation'])];
  const drop = value['max_drop'];
  const isChosen = calibration !== null || validation !== null;

  return {
    ...(isChosen
      ? {
          chosen: {
            ...(calibration === null ? {} : { calibration }),
            ...(validation === null ? {} : { validation }),
          },
        }
      : {}),
    ...(typeof drop === 'number' ? { maxDrop: drop } : {}),
  };
}

function sourceIn(value: unknown): DraftSource | null {
  if (!isRecord(value)) return null;
  const { images, arrays, labels, classFolders } = value;
  if (typeof images !== 'string' && typeof arrays !== 'string') return null;
  return {
    ...(typeof images === 'string' ? { images } : {}),
    ...(typeof arrays === 'string' ? { arrays } : {}),
    ...(typeof labels === 'string' ? { labels: [labels] } : {}),
    ...(classFolders === true ? { classFolders } : {}),
  };
}

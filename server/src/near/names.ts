/** Words of a path, the nearest first: "data/val_x.npy" is val, x, data. */
export const wordsOf = (path: string): string[] =>
  path
    .toLowerCase()
    .split('/')
    .reverse()
    .flatMap((part) => part.replace(/\.[a-z0-9]+$/, '').split(/[^a-z0-9]+/));

const LABELS = /^(y|labels?|targets?|masks?|annotations?|gt|segmentations?|segmentationclass)$/;

/** Whether a word names what holds labels, never samples. */
export const isLabelName = (word: string): boolean => LABELS.test(word);

/** A file's name without its folder. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A file's name without its folder and its ending. */
export const stemOf = (path: string): string => nameOf(path).replace(/\.[^.]+$/, '');

export type Role = 'calibration' | 'validation';

/** Endings that words for a purpose have: trainset, testdata, val2017. */
const ENDING = '(set|data|images|imgs|pics|samples)?\\d*$';

const ROLES: Readonly<Record<Role, RegExp>> = {
  calibration: new RegExp(`^(cal|calib|calibration|train|training)${ENDING}`),
  validation: new RegExp(`^(val|valid|validation|test|testing|eval|evaluation|dev|holdout)${ENDING}`),
};

/** What a word says that data are for; null: nothing. */
export function roleOf(word: string): Role | null {
  if (ROLES.calibration.test(word)) return 'calibration';
  return ROLES.validation.test(word) ? 'validation' : null;
}

/** What a path says that data are for, by its nearest word that says so. */
export function roleIn(path: string): Role | null {
  const word = wordsOf(path).find((part) => roleOf(part) !== null);
  return word === undefined ? null : roleOf(word);
}

/** What names of files and folders say of what is in them. */
export const CALIBRATION = /calib|train|representative/i;
export const VALIDATION = /val|test|eval|dev/i;
export const IMAGE = /\.(jpe?g|png|webp)$/i;
export const LABELS = /label|target|annotation|instances|(^|[_-])(y|gt)(?=[_.-]|$)/i;

/** How well a name fits a data section, 0 the best. */
export function sectionRank(section: unknown, name: string): number {
  const [wanted, other] = section === 'validation' ? [VALIDATION, CALIBRATION] : [CALIBRATION, VALIDATION];
  return wanted.test(name) ? 0 : other.test(name) ? 2 : 1;
}

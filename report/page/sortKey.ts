/** How many of the smallest unit of its kind a unit is; others stand alone in their column. */
const UNITS: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9, s: 1e3 };

/** A figure of a table as a number, in the smallest unit of its kind; null: there is none. */
export function sortKey(text: string): number | null {
  const [, sign = '', digits, unit = ''] =
    /([-−+]?)(\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)\s*([a-z%]*)/i.exec(text) ?? [];

  if (digits === undefined) return null;
  const size = Number(digits.replaceAll(',', '')) * (UNITS[unit] ?? 1);

  return sign === '-' || sign === '−' ? -size : size;
}

const ALPHABET = new Intl.Collator('en', { numeric: true });

/** Numbers by size, texts by their alphabet with numbers in them by size; what is missing comes last. */
export function compareKeys(a: number | string | null, b: number | string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return ALPHABET.compare(String(a), String(b));
}

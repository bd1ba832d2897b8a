import type { SettingDifference } from '@quantsmith/schemas';
import type { Cell, Section } from './document.js';

/** In which settings configs differ, a column for each of them; nothing where that is not known. */
export function settingsSection(
  settings: readonly SettingDifference[] | null,
  names: readonly string[],
): Section[] {
  if (settings === null) return [];
  const title = 'Settings';
  if (settings.length === 0)
    return [
      {
        kind: 'section',
        title,
        blocks: [{ kind: 'paragraph', text: 'The configs have the same settings.' }],
      },
    ];

  const cellOf = (value: string | null): Cell =>
    value === null ? { text: 'not set', tone: 'quiet' } : { code: value };
  const rows = settings.map(({ setting, values }): Cell[] => [{ code: setting }, ...values.map(cellOf)]);

  return [
    {
      kind: 'section',
      title,
      blocks: [
        {
          kind: 'table',
          caption: 'Settings that differ',
          columns: [{ title: 'Setting' }, ...names.map((name) => ({ title: name }))],
          rows,
        },
      ],
    },
  ];
}

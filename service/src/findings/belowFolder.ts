import { parse, sep } from 'node:path';

/**
 * A message in which files below the config's folder have the names that the config would give them, so that findings are
 * the same on every machine. Behind a quotation mark stands what the config itself says: that stays.
 */
export function belowFolder(message: string, folder: string): string {
  if (parse(folder).root === folder) return message;
  const prefix = folder + sep;
  const [first = '', ...parts] = message.split(prefix);
  return parts.reduce((text, part) => text + (text.endsWith('"') ? prefix : '') + part, first);
}

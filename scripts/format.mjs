import { format, resolveConfig } from 'prettier';

/** A JSON value as the text of the file at a path, in the repository's style. */
export async function formatted(path, value) {
  const style = await resolveConfig(path);
  // As prettier itself does.
  const parser = path.endsWith('/package.json') ? 'json-stringify' : 'json';
  return format(JSON.stringify(value, null, 2), { ...style, parser });
}

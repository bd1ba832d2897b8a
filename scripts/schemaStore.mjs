// The config's schema in the form that SchemaStore takes: draft 7, in which most editors read schemas, with no keyword of ours.

const OURS = /^x-/;

/** The same schema in draft 7: `$defs` are `definitions`, and what each value means is said where VS Code looks for it. */
export function draftSeven(schema, id) {
  const { $defs, ...keywords } = schema;
  // A config that extends another, and the base that it extends, need not hold everything themselves.
  const replaced = ['$schema', '$id', 'title', 'required'];
  const rest = Object.fromEntries(
    Object.entries(keywords).filter(([keyword]) => !replaced.includes(keyword)),
  );
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: id,
    title: 'Quantsmith post-training quantization',
    ...convert(rest),
    definitions: Object.fromEntries(Object.entries($defs).map(([name, part]) => [name, convert(part)])),
  };
}

/** `named`: the value is a map of names to schemas, in which no name is a keyword. */
function convert(value, named = false) {
  if (Array.isArray(value)) return value.map((item) => convert(item));
  if (value === null || typeof value !== 'object') return value;
  if (named) return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, convert(part)]));

  const entries = Object.entries(value).filter(([keyword]) => !OURS.test(keyword));
  const converted = entries.map(([keyword, part]) => {
    if (keyword === '$ref') return [keyword, part.replace('#/$defs/', '#/definitions/')];
    // What is data and not a schema stays as it is.
    if (['default', 'enum', 'examples'].includes(keyword)) return [keyword, part];
    return [keyword, convert(part, keyword === 'properties')];
  });
  const meanings = value['x-enumDescriptions'];
  if (meanings !== undefined) converted.push(['enumDescriptions', meanings]);
  return Object.fromEntries(converted);
}

/** The entry of SchemaStore's catalogue. Plain names such as quantization.yaml belong to others too, and are left out. */
export function catalogEntry(url, languages) {
  return {
    name: 'Quantsmith config',
    description: 'Post-training quantization of an ONNX model',
    fileMatch: languages.flatMap(({ extensions = [] }) => extensions.map((extension) => `*${extension}`)),
    url,
  };
}

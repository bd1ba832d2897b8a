/** The Markdown reference of every config key, one section each. */
export function referencePage(schema) {
  const lines = [
    '# Config reference',
    '',
    'Generated from `schemas/quantization-config.schema.json`; do not edit.',
    '',
    schema.description,
    '',
  ];
  const visit = (node, path) => {
    const resolved = node.$ref ? { ...schema.$defs[node.$ref.split('/').at(-1)] } : node;
    if (path.length > 0) section(lines, resolved, path);
    for (const [key, child] of Object.entries(resolved.properties ?? {})) visit(child, [...path, key]);
    if (resolved.items?.properties) {
      for (const [key, child] of Object.entries(resolved.items.properties))
        visit(child, [...path, '[]', key]);
    }
  };

  lines.push(...defaultsTable(schema.properties.quantization), '');
  visit(schema, []);
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Every key below `quantization` with a default: fixed, or measured where the config leaves it out (`x-measured`). */
function defaultsTable(quantization) {
  const rows = [];
  const visit = (node, path) => {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      const place = [...path, key];
      const composed = child.properties !== undefined && child['x-measured'] !== true;
      if (composed) visit(child, place);
      else if (child.default !== undefined) {
        const link = `[\`${place.slice(1).join('.')}\`](#${anchor(place)})`;
        const how = child['x-measured'] === true ? 'measured' : 'fixed';
        rows.push(`| ${link} | \`${JSON.stringify(child.default)}\` | ${how} |`);
      }
    }
  };

  visit(quantization, ['quantization']);
  return [
    '## What a missing key means',
    '',
    '**fixed**: its default applies. **measured**: its value is chosen on the calibration samples if it is missing, null or empty, unless',
    '`defaults: nncf` asks for the default. The report lists the choices and their alternatives (`choices`);',
    '`quantsmith run --locked` writes the choices into the config.',
    '',
    '| key | default | |',
    '| --- | --- | --- |',
    ...rows,
  ];
}

/** The anchor of a key's section: its path with dashes. */
export const anchor = (path) => path.filter((part) => part !== '[]').join('-');

function section(lines, node, path) {
  const key = path.join('.').replaceAll('.[]', '[]');
  lines.push(`<a id="${anchor(path)}"></a>`, '', `## \`${key}\``, '', node.description ?? '', '');
  const facts = [];
  if (node.type) facts.push(`Type: ${[node.type].flat().join(' or ')}`);
  if (node.default !== undefined && typeof node.default !== 'object')
    facts.push(`default: \`${JSON.stringify(node.default)}\``);
  if (node.default === null) facts.push('default: `null`');
  if (node.minimum !== undefined) facts.push(`at least ${node.minimum}`);
  if (node.maximum !== undefined) facts.push(`at most ${node.maximum}`);
  if (node.exclusiveMinimum !== undefined) facts.push(`above ${node.exclusiveMinimum}`);
  if (node.exclusiveMaximum !== undefined) facts.push(`below ${node.exclusiveMaximum}`);
  if (facts.length > 0) lines.push(`${facts.join(', ')}.`, '');
  const values = node['x-stringValues'] ?? node.enum;
  const docs = node['x-stringDescriptions'] ?? node['x-enumDescriptions'];
  if (values) {
    for (const [i, value] of values.entries()) lines.push(`- \`${value}\`: ${docs?.[i] ?? ''}`);
    lines.push('');
  }
}

import type { ConfigDocument } from '../document/document.js';
import type { Finding } from '../findings/finding.js';
import { foreignSchema, URN, VERSION } from '../knowledge/formatVersion.js';
import { defineRule } from './rule.js';
import { ofThisVersion, schemaFindings } from './schema.js';

/**
 * `schema-version`: `$schema` (or the line that other YAML servers read) names another version of the format, or another
 * schema. What that may allow is not called wrong. `schema`: what this version's schema says.
 */
function versionFindings(document: ConfigDocument, schema: readonly Finding[]): Finding[] {
  const foreign = foreignSchema(document);
  if (foreign === null) return [];

  const { uri, own: ownVersion, version, start, end } = foreign;
  const left = schema.length - ofThisVersion(document, schema).length;
  const what =
    version === null
      ? `"${uri}" is not the schema of quantization configs (${URN}).`
      : `This config uses version ${version} of the format; this program knows version ${VERSION}.`;
  const hidden =
    left === 0 ? '' : ` ${left} ${left === 1 ? 'finding is' : 'findings are'} left out for that.`;

  return [
    {
      code: 'schema-version',
      severity: 'warning',
      message: `${what}${hidden}`,
      start,
      end,
      path: ['$schema'],
      data: { suggestions: ownVersion ? [URN] : [] },
    },
  ];
}

export const rule = defineRule({
  codes: ['schema-version'],
  needs: 'value',
  check: ({ document, value, inherited }) =>
    foreignSchema(document) === null
      ? []
      : versionFindings(document, schemaFindings(document, value, inherited)),
  suppressible: true,
  sections: {
    'schema-version':
      'Severity: warning.\n\n`$schema` (or `# yaml-language-server: $schema=…`) names a version of the format that this program does not know, or another schema. Keys, values and limits that it may allow are then not reported; the message says how many findings that omits. Named by its URN (`urn:quantsmith:quantization-config:1`, with or without the version) or by a path to `quantization-config.schema.json`, the schema gives no finding.',
  },
  examples: [
    {
      code: 'schema-version',
      before:
        '$schema: urn:quantsmith:quantization-config:2\nmodel: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after:
        '$schema: "urn:quantsmith:quantization-config"\nmodel: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
  ],
});

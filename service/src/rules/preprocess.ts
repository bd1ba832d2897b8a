import type { QuantizationConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry } from '../document/tree.js';
import type { FileFacts } from '../facts/facts.js';
import type { Finding } from '../findings/finding.js';
import { AUDIO_KEYS, TEXT_KEYS } from '../knowledge/sourceKeys.js';
import { defineRule } from './rule.js';

type DeadKeys =
  | readonly ['input_layout']
  | readonly ['preprocess']
  | readonly ['preprocess', (typeof SCALING_KEYS)[number]]
  | readonly [(typeof AUDIO_KEYS)[number]]
  | readonly [(typeof TEXT_KEYS)[number]];

/** What happens to images before they have the model's size. */
const SCALING_KEYS = ['orient', 'resize', 'letterbox', 'interpolation', 'antialias'] as const;

type Preprocess = NonNullable<QuantizationConfig['data']['calibration']['preprocess']>;

/** Keys of the scaling of images that others leave without effect, with the reason. */
function deadScaling({ resize, letterbox, interpolation, antialias }: Preprocess): [DeadKeys, string][] {
  const isSet = (value: unknown) => value !== undefined && value !== null;
  if (!isSet(resize) && !isSet(letterbox)) {
    const reason = 'nothing scales the images: neither resize nor letterbox is set';
    return [
      [['preprocess', 'interpolation'], reason],
      [['preprocess', 'antialias'], reason],
    ];
  }

  const dead: [DeadKeys, string][] = [];
  if (isSet(resize) && isSet(letterbox)) dead.push([['preprocess', 'resize'], 'letterbox scales the images']);
  if (antialias === false && isSet(interpolation) && interpolation !== 'bilinear')
    dead.push([['preprocess', 'interpolation'], 'antialias: false always means bilinear interpolation']);

  return dead;
}

/** `dead-setting` of data sections: what only other kinds of sources take. */
function preprocessFindings(
  document: ConfigDocument,
  { data }: QuantizationConfig,
  facts: FileFacts,
): Finding[] {
  return (['calibration', 'validation'] as const).flatMap((name) => {
    const section = data[name];
    if (section === undefined) return [];
    const dead = (keys: DeadKeys, reason: string): Finding[] => {
      const path = ['data', name, ...keys] as const;
      const span = findEntry(document.tree, path)?.keySpan;
      if (span === undefined) return [];
      const message = `${keys.at(-1)!} has no effect: ${reason}.`;
      return [{ code: 'dead-setting', severity: 'warning', message, ...span, path, data: {} }];
    };

    const { images, arrays, audio, texts } = section;
    const others = [
      ...(audio === undefined ? AUDIO_KEYS.flatMap((key) => dead([key], 'it is for audio')) : []),
      ...(texts === undefined ? TEXT_KEYS.flatMap((key) => dead([key], 'it is for texts')) : []),
    ];
    if (images !== undefined)
      return [
        ...others,
        ...dead(['input_layout'], 'it describes the layout of arrays, and these are images'),
        ...deadScaling(section.preprocess ?? {}).flatMap(([keys, reason]) => dead(keys, reason)),
      ];
    if (arrays === undefined) {
      const reason = 'it applies to images and uint8 arrays; these samples go to the model as they are';
      return [...others, ...dead(['preprocess'], reason), ...dead(['input_layout'], reason)];
    }

    const type = facts[name].array?.type ?? null;
    if (type !== null && type !== 'uint8') {
      const reason = `it applies to images and uint8 arrays; this one holds ${type} and goes to the model as it is`;
      return [...others, ...dead(['preprocess'], reason), ...dead(['input_layout'], reason)];
    }

    return [
      ...others,
      ...SCALING_KEYS.flatMap((key) =>
        dead(['preprocess', key], 'it is for image files; arrays are not resized, only cropped'),
      ),
    ];
  });
}

export const rule = defineRule({
  codes: ['dead-setting'],
  needs: 'config',
  check: ({ document, config, facts }) => preprocessFindings(document, config, facts),
  suppressible: true,
  examples: [
    {
      code: 'dead-setting',
      before: 'model: model.onnx\ndata:\n  calibration: {images: ./train, input_layout: nhwc}\n',
      after: 'model: model.onnx\ndata:\n  calibration: {images: ./train}\n',
    },
  ],
});

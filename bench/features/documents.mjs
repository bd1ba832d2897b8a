// The documents that every server is asked about: the same config as YAML, as JSON and as TOML, once sound and once with a mistake
// of each kind; for the Actions server, which reads nothing else, a workflow with the same kinds of mistakes.
// ⟦name⟧ marks a place.

const SOUND_YAML = `model: ⟦file⟧digits.onnx
output: digits.int8.onnx
data:
  calibration:
    arrays: data/calibration.npy
    preprocess: &⟦anchor⟧digits
      scale: 16
  validation:
    arrays: data/validation.npy
    labels: data/validation-labels.npy
    preprocess: *dig⟦alias⟧its
quantization:
  pre⟦key⟧set: performance
  target_device: ⟦value⟧CPU
  ⟦newKey⟧
  ignored_scope:
    names: [⟦layer⟧/fc/Gemm]
    patterns: ["/.*"]
  advanced_parameters:
    weights_quantization_params:
      num_bits: 4
`;
const BROKEN_YAML = `model: missing.onnx
output: off
data:
  calibration:
    arrays: data/calibration.npy
quantization:
  prset: mixed
  target_device: CPUU
  fast_bias_correction: lots
  subset_size: 5
  subset_size: 6
  model_type: no
accuracy_control:
  max_drop: 0.01
  advanced_accuracy_restorer_params:
    ranking_subset_size: 4
`;
const SOUND_JSON = `{
  "model": "⟦file⟧digits.onnx",
  "output": "digits.int8.onnx",
  "data": {
    "calibration": { "arrays": "data/calibration.npy" },
    "validation": { "arrays": "data/validation.npy", "labels": "data/validation-labels.npy" }
  },
  "quantization": {
    "pre⟦key⟧set": "performance",
    "target_device": "⟦value⟧CPU",
    ⟦newKey⟧
    "ignored_scope": { "names": ["⟦layer⟧/fc/Gemm"], "patterns": ["/.*"] },
    "advanced_parameters": { "weights_quantization_params": { "num_bits": 4 } }
  }
}
`;
const BROKEN_JSON = `{
  "model": "missing.onnx",
  "data": { "calibration": { "arrays": "data/calibration.npy" } },
  "quantization": {
    "prset": "mixed",
    "target_device": "CPUU",
    "fast_bias_correction": "lots",
    "subset_size": 5,
    "subset_size": 6
  },
  "accuracy_control": {
    "max_drop": 0.01,
    "advanced_accuracy_restorer_params": { "ranking_subset_size": 4 }
  }
}
`;
const SOUND_WORKFLOW = `on: push
permissions:
  contents: ⟦value⟧read
jobs:
  build:
    runs-on: ubuntu-latest
    env: &⟦anchor⟧shared
      A: 1
    ste⟦key⟧ps:
      - id: first
        run: echo \${{ github.⟦layer⟧ref }}
  next:
    runs-on: ubuntu-latest
    needs: build
    env: *sha⟦alias⟧red
    ⟦newKey⟧
    steps:
      - uses: ./⟦file⟧.github/actions/mine
`;
const BROKEN_WORKFLOW = `on: push
permissions:
  contents: raed
jobs:
  build:
    runs-on: ubuntu-latest
    continue-on-error: lots
    timeout-minutes: 5
    timeout-minutes: 6
    stepss: []
    steps:
      - uses: ./missing
      - run: echo \${{ steps.nowhere.outputs.x }}
      - run: echo \${{ github.nowhere }}
`;

const SOUND_TOML = `model = "⟦file⟧digits.onnx"
output = "digits.int8.onnx"

[data.calibration]
arrays = "data/calibration.npy"

[data.calibration.preprocess]
scale = 16

[data.validation]
arrays = "data/validation.npy"
labels = "data/validation-labels.npy"

[quantization]
pre⟦key⟧set = "performance"
target_device = "⟦value⟧CPU"
⟦newKey⟧

[quantization.ignored_scope]
names = ["⟦layer⟧/fc/Gemm"]
patterns = ["/.*"]

[quantization.advanced_parameters.weights_quantization_params]
num_bits = 4
`;
const BROKEN_TOML = `model = "missing.onnx"

[data.calibration]
arrays = "data/calibration.npy"

[quantization]
prset = "mixed"
target_device = "CPUU"
fast_bias_correction = "lots"
subset_size = 5

[accuracy_control]
max_drop = 0.01

[accuracy_control.advanced_accuracy_restorer_params]
ranking_subset_size = 4
`;

/** A text without its marks, and the positions of these. */
function marked(source) {
  const places = {};
  let text = '';
  for (const part of source.split(/(⟦\w+⟧)/u)) {
    const name = /^⟦(\w+)⟧$/u.exec(part)?.[1];
    if (name === undefined) text += part;
    else places[name] = { line: text.split('\n').length - 1, character: text.split('\n').at(-1).length };
  }

  return { text, places };
}

/** `schema`: the URL of the config's schema, which TOML names in a comment. */
export const documents = (schema) => ({
  yaml: { sound: marked(SOUND_YAML), broken: marked(BROKEN_YAML) },
  json: { sound: marked(SOUND_JSON), broken: marked(BROKEN_JSON) },
  workflow: { sound: marked(SOUND_WORKFLOW), broken: marked(BROKEN_WORKFLOW) },
  toml: {
    sound: marked(`#:schema ${schema}\n${SOUND_TOML}`),
    broken: marked(`#:schema ${schema}\n${BROKEN_TOML}`),
    // By itself: with a key twice Taplo says nothing of the schema.
    twice: marked('[quantization]\nsubset_size = 5\nsubset_size = 6\n'),
  },
});

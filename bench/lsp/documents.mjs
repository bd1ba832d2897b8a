// Configs of a wanted length: every section of the format, and the list that grows in practice, the layers left in float.
const HEAD = `# A config for benchmarks.
model: bench.onnx
output: bench.int8.onnx

data:
  calibration:
    arrays: data/calibration.npy # 300 images
    preprocess: &digits
      scale: 16
  validation:
    arrays: data/validation.npy
    labels: data/validation-labels.npy
    preprocess: *digits

accuracy_control:
  metric: top1
  max_drop: 0.01

quantization:
  preset: performance
  target_device: ANY
  subset_size: 300
  advanced_parameters:
    overflow_fix: disable
    weights_quantization_params:
      num_bits: 8
      per_channel: true
  ignored_scope:
    validate: true
    names:
`;

/** The same in TOML, which has no anchors and names its schema itself. */
const tomlHead = (schema) => `#:schema ${schema}
model = "bench.onnx"
output = "bench.int8.onnx"

[data.calibration]
arrays = "data/calibration.npy" # 300 images

[data.calibration.preprocess]
scale = 16

[data.validation]
arrays = "data/validation.npy"
labels = "data/validation-labels.npy"

[data.validation.preprocess]
scale = 16

[accuracy_control]
metric = "top1"
max_drop = 0.01

[quantization]
preset = "performance"
target_device = "ANY"
subset_size = 300

[quantization.advanced_parameters]
overflow_fix = "disable"

[quantization.advanced_parameters.weights_quantization_params]
num_bits = 8
per_channel = true

[quantization.ignored_scope]
validate = true
names = [
`;

/** What configOf gives, as TOML. */
export function tomlOf(lines, schema) {
  const { names } = configOf(lines);
  const head = tomlHead(schema).split('\n').slice(0, -1);
  const listed = names.slice(0, Math.max(1, lines - head.length - 2));
  const text = [...head, ...listed.map((name) => `  "${name}",`), ']', ''];
  const lineOf = (start) => text.findIndex((line) => line.startsWith(start));
  const edited = head.length + Math.floor(listed.length / 2);
  return {
    text: text.join('\n'),
    names,
    edit: { line: edited, character: text[edited].length - 2 },
    complete: { line: lineOf('target_device'), character: 'target_device = "'.length },
    hover: { line: lineOf('preset'), character: 2 },
  };
}

/** A config of as many lines, and the places where the benchmark edits, completes and hovers. */
export function configOf(lines) {
  const head = HEAD.split('\n').slice(0, -1);
  const text = [...head];
  const names = [];
  for (let i = 0; text.length < lines - 1; i++) {
    if (i % 25 === 0) text.push(`      # block ${i / 25}`);
    else {
      names.push(`/features/features.${i}/conv/conv.${i % 3}/Conv`);
      text.push(`      - ${names.at(-1)}`);
    }
  }

  text.push('');
  const lineOf = (start) => text.findIndex((line) => line.startsWith(start));
  const middle = head.length + Math.floor((lines - head.length) / 2);
  const edited = text[middle].includes('#') ? middle + 1 : middle;
  return {
    text: text.join('\n'),
    /** The layers that it names. */
    names,
    /** Inside of a layer's name, in the middle of the list. */
    edit: { line: edited, character: text[edited].length },
    /** Behind the colon of a key with a list of values. */
    complete: { line: lineOf('  target_device'), character: '  target_device: '.length },
    hover: { line: lineOf('  preset'), character: 4 },
  };
}

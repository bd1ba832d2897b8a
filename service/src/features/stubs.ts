/** Modules that run as they are, for a person to put the own data and the own measure in. */

/** Samples of made-up values for whatever inputs the model has. */
export function loaderStub(path: string): string {
  const typed = isTypeScript(path);
  return `// Samples for Quantsmith. The values are made up: read your own where it says so. Modules run with --allow-modules.
${typed ? "import type { Loader, LoaderInfo } from 'quantsmith/module';\n" : ''}
const COUNT = 32;

${typed ? 'const loader: Loader =' : "/** @type {import('quantsmith/module').Loader} */\nconst loader ="} ({ inputs }) => ({
  length: COUNT,
  get(index) {
    // Read sample \`index\` here. decodeImage, letterbox, preprocess and tokenizer are handed in beside inputs.
    const feeds = Object.fromEntries(inputs.map((input) => [input.name, madeUp(input, index)]));
    return { name: \`sample \${index}\`, feeds /*, label: the right answer, any JSON */ };
  },
});

export default loader;

/** A value for an input; a dimension that the model leaves open is 1 where it is the batch, else 32. */
function madeUp({ type, dims }${typed ? ": LoaderInfo['inputs'][number]" : ''}, index${typed ? ': number' : ''}) {
  const sizes = dims.map((dim, axis) => (typeof dim === 'number' && dim > 0 ? dim : axis === 0 ? 1 : 32));
  const count = sizes.reduce((product, size) => product * size, 1);
  const isFloat = type.startsWith('float');
  const value = (i${typed ? ': number' : ''}) => (isFloat ? Math.sin(i * (index + 1)) : (i + index) % 2);

  const values = Array.from({ length: count }, (_, i) => value(i));

  return { dims: sizes, data: type === 'string' ? values.map(String) : values };
}
`;
}

/** How alike the outputs are to the float model's: a measure that needs no labels. */
export function metricStub(path: string): string {
  const typed = isTypeScript(path);
  return `// A metric for Quantsmith: the cosine of the first output with the float model's, until you put in your own. Modules run with
// --allow-modules.
${typed ? "import type { AccumulatedMetric } from 'quantsmith/module';\n\ntype State = { cosine: number };\n" : ''}
${typed ? 'const metric: AccumulatedMetric<State> =' : "/** @type {import('quantsmith/module').AccumulatedMetric<{ cosine: number }>} */\nconst metric ="} {
  name: 'cosine of the first output',
  higherIsBetter: true,
  needsFloatOutputs: true,
  // Any JSON of one sample. outputs: {name: {dims, data}}; label: what the labels or the loader give; sample: {name, image, task}.
  accumulate(outputs, label, floatOutputs, sample) {
    const [name] = Object.keys(outputs);
    const of = (all${typed ? ': typeof outputs | null' : ''}) => Array.from(all?.[name ?? '']?.data ?? [], Number);
    return { cosine: cosine(of(outputs), of(floatOutputs)) };
  },
  // The value over some samples; called many times, for the interval and during restoration.
  result: (states) => states.reduce((sum, state) => sum + state.cosine, 0) / states.length,
};

export default metric;

function cosine(a${typed ? ': number[]' : ''}, b${typed ? ': number[]' : ''}) {
  const dot = (x${typed ? ': number[]' : ''}, y${typed ? ': number[]' : ''}) => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  return lengths === 0 ? 1 : dot(a, b) / lengths;
}
`;
}

const isTypeScript = (path: string) => /\.[cm]?ts$/.test(path);

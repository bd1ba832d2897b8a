import type { ModelNode, ModelSummary } from '@quantsmith/schemas';

type Given = Omit<Partial<ModelSummary>, 'nodes'> & {
  readonly nodes: readonly (Partial<ModelNode> & Pick<ModelNode, 'name' | 'op'>)[];
};

/** What is known of a model of which a test states only a part. */
export function summary({ nodes, ...given }: Given): ModelSummary {
  return {
    path: '/models/m.onnx',
    fileBytes: 0,
    irVersion: 8,
    opsets: { 'ai.onnx': 17 },
    producer: 'test',
    inputs: [],
    outputs: [],
    functions: [],
    externalData: [],
    parameterCount: 0,
    ...given,
    nodes: nodes.map((node) => ({
      ...{
        domain: '',
        // Where a test does not say: nothing that would have to be made.
        inputs: [''],
        outputs: [],
        constants: {},
        floatConstants: [],
        attributes: {},
        bodies: [],
      },
      ...node,
    })),
  };
}

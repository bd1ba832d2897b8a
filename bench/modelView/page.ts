import { ALONE, modelPageData, modelPageHtml } from '@quantsmith/report';
import { inspectModel } from '@quantsmith/model/onnx';

/** What the editor shows of a model, for a page that a local server gives: its HTML, and the message with its rows. */
export async function pageOf(path: string, address: string) {
  const model = await inspectModel(path, { tensors: true });
  const html = modelPageHtml(model, ALONE, {
    nonce: 'bench',
    module: { address: `${address}/pages/model.js`, source: address },
  });

  return { html, message: { type: 'model', data: modelPageData(model, ALONE, []) } };
}

/** Milliseconds that reading the structure takes, with what the file states of its tensors. */
export async function structureTime(path: string): Promise<number> {
  const begun = performance.now();
  await inspectModel(path, { tensors: true });
  return performance.now() - begun;
}

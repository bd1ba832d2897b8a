/** A config with a misspelled key, for the editors' tests. */
export const MISTAKEN = `model: digits.onnx
data:
  calibration: { preprocess: { scale: 16 },
    arrays: data/calibration.npy }
quantization:
  prset: mixed
  target_device: ANY
`;

import { expect, test } from 'vitest';
import { resolveConfig, type QuantizationConfig } from '../src/index.js';

const CONFIG: QuantizationConfig = { model: 'net.onnx', data: { calibration: { arrays: 'x.npy' } } };

test('what defaults give one config is no part of another one', () => {
  const [first, second] = [resolveConfig(CONFIG), resolveConfig(CONFIG)];
  first.quantization.ignored_scope.names.push('Conv_0');
  first.data.calibration.states!['h'] = 'h_out';

  expect(second.quantization.ignored_scope.names).toEqual([]);
  expect(second.data.calibration.states).toEqual({});
  expect(resolveConfig(CONFIG)).toEqual(second);
});

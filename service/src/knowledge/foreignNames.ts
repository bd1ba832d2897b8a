import type { DottedPath } from '@quantsmith/schemas';

/** Keys of other tools, and where the same is set here. */
export const FOREIGN_KEYS: ReadonlyMap<string, DottedPath> = new Map([
  ['nodes_to_exclude', 'quantization.ignored_scope.names'],
  ['op_types_to_exclude', 'quantization.ignored_scope.types'],
  ['calibrate_method', 'quantization.advanced_parameters.activations_range_estimator_params'],
  ['stat_subset_size', 'quantization.subset_size'],
  ['maximal_drop', 'accuracy_control.max_drop'],
  ['activation_type', 'quantization.advanced_parameters.activations_quantization_params'],
  ['weight_type', 'quantization.advanced_parameters.weights_quantization_params'],
  ['reduce_range', 'quantization.advanced_parameters.overflow_fix'],
  ['calibration_data_reader', 'data.calibration'],
  ['op_name_dict', 'quantization.overrides'],
  ['op_type_dict', 'quantization.overrides'],
  ['calibration_sampling_size', 'quantization.subset_size'],
  ['accuracy_criterion', 'accuracy_control'],
  ['tolerable_loss', 'accuracy_control.max_drop'],
  ['ignored', 'quantization.ignored_scope'],
]);

/** Keys of other tools that nothing here is like, and why. */
export const FOREIGN_NOTES: ReadonlyMap<string, string> = new Map([
  ['quant_format', 'Models are always written with QuantizeLinear and DequantizeLinear (QDQ).'],
]);

/** Values of other tools, by what they are called here. */
export const FOREIGN_VALUES: ReadonlyMap<string, string> = new Map([
  ['entropy', 'histogram'],
  ['percentile', 'mean_quantile'],
  ['distribution', 'histogram'],
]);

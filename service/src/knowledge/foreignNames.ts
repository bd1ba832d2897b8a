import type { DottedPath } from '@quantsmith/schemas';

/** Keys of other tools, and where the same is set here. */
export const FOREIGN_KEYS: ReadonlyMap<string, DottedPath> = new Map([
  // ONNX Runtime: quantize_static().
  ['model_input', 'model'],
  ['model_output', 'output'],
  ['calibration_data_reader', 'data.calibration'],
  ['nodes_to_exclude', 'quantization.ignored_scope.names'],
  ['op_types_to_exclude', 'quantization.ignored_scope.types'],
  ['calibrate_method', 'quantization.advanced_parameters.activations_range_estimator_params'],
  ['calibration_method', 'quantization.advanced_parameters.activations_range_estimator_params'],
  ['activation_type', 'quantization.advanced_parameters.activations_quantization_params'],
  ['weight_type', 'quantization.advanced_parameters.weights_quantization_params'],
  ['per_channel', 'quantization.advanced_parameters.weights_quantization_params.per_channel'],
  ['reduce_range', 'quantization.advanced_parameters.overflow_fix'],
  ['use_external_data_format', 'quantization.advanced_parameters.backend_params.external_data'],
  ['extra_options', 'quantization.advanced_parameters'],
  // NNCF: quantize() and quantize_with_accuracy_control().
  ['calibration_dataset', 'data.calibration'],
  ['validation_dataset', 'data.validation'],
  ['validation_fn', 'accuracy_control.metric'],
  ['backend', 'quantization.advanced_parameters.backend_params.runtime'],
  // The Post-training Optimization Tool of OpenVINO.
  ['engine', 'data'],
  ['compression', 'quantization'],
  ['algorithms', 'quantization'],
  ['stat_subset_size', 'quantization.subset_size'],
  ['ignored', 'quantization.ignored_scope'],
  ['maximal_drop', 'accuracy_control.max_drop'],
  ['max_iter_num', 'accuracy_control.advanced_accuracy_restorer_params.max_num_iterations'],
  ['range_estimator', 'quantization.advanced_parameters.activations_range_estimator_params'],
  ['bits', 'quantization.advanced_parameters.weights_quantization_params.num_bits'],
  ['granularity', 'quantization.advanced_parameters.weights_quantization_params.per_channel'],
  // Intel Neural Compressor.
  ['calibration_sampling_size', 'quantization.subset_size'],
  ['op_name_dict', 'quantization.overrides'],
  ['op_type_dict', 'quantization.overrides'],
  ['op_wise', 'quantization.overrides'],
  ['model_wise', 'quantization.advanced_parameters'],
  ['tuning', 'accuracy_control'],
  ['accuracy_criterion', 'accuracy_control'],
  ['tolerable_loss', 'accuracy_control.max_drop'],
  ['exit_policy', 'accuracy_control.time_limit'],
  ['evaluation', 'data.validation'],
  ['dataloader', 'data.calibration'],
  ['dataset', 'data.calibration'],
]);

/** Keys of other tools that nothing here is like, and why. */
export const FOREIGN_NOTES: ReadonlyMap<string, string> = new Map([
  ['quant_format', 'Models are always written with QuantizeLinear and DequantizeLinear (QDQ).'],
  ['op_types_to_quantize', 'Everything is quantized except what "quantization.ignored_scope" names.'],
  ['nodes_to_quantize', 'Everything is quantized except what "quantization.ignored_scope" names.'],
  ['optimize_model', 'The model is always prepared first.'],
  ['framework', 'Models are always ONNX.'],
  [
    'smooth_quant',
    'SmoothQuant comes with "quantization.model_type: transformer"; its strengths are "advanced_parameters.smooth_quant_alphas".',
  ],
  ['approach', 'Quantization is always static and after training.'],
]);

/** Values of other tools, by what they are called here. */
export const FOREIGN_VALUES: ReadonlyMap<string, string> = new Map([
  ['entropy', 'histogram'],
  ['percentile', 'mean_quantile'],
  ['distribution', 'histogram'],
  ['accuracy', 'top1'],
  ['acc', 'top1'],
  ['map@0.5', 'map50'],
  ['map@.5', 'map50'],
  ['map@0.5:0.95', 'map'],
  ['map@[.5:.95]', 'map'],
  ['iou', 'miou'],
  ['mean_iou', 'miou'],
]);

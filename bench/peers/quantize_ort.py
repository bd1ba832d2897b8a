"""Task: {model, calibration, output, threads, method}. Time counts from reading the model to its being written."""

import time

from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader

import onnx
from common import Samples, finish, peak_bytes, same_threads, task


class Reader(CalibrationDataReader):
    def __init__(self, name, samples):
        self.name = name
        self.rows = iter(samples)

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {self.name: row}


def main():
    spec = task()
    same_threads(spec["threads"])
    name = onnx.load(spec["model"]).graph.input[0].name
    before = peak_bytes()
    begun = time.perf_counter()
    # The percentile method keeps every activation: more samples than these fill the memory.
    samples = Samples(spec["calibration"], 20 if spec["method"] == "Percentile" else None)
    quantize_static(
        spec["model"],
        spec["output"],
        Reader(name, samples),
        quant_format=QuantFormat.QDQ,
        calibrate_method=CalibrationMethod[spec["method"]],
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )
    seconds = time.perf_counter() - begun
    finish({"seconds": seconds, "baseline_bytes": before, "peak_bytes": peak_bytes()})


main()

"""Task: {model, calibration, output, threads, preset, transformer}. Time counts from reading the model to its being written."""

import time

import nncf
import onnx

from common import Samples, finish, peak_bytes, same_threads, task


def main():
    spec = task()
    same_threads(spec["threads"])
    before = peak_bytes()
    begun = time.perf_counter()
    model = onnx.load(spec["model"])
    name = model.graph.input[0].name
    samples = Samples(spec["calibration"])
    quantized = nncf.quantize(
        model,
        nncf.Dataset(samples, lambda sample: {name: sample}),
        subset_size=len(samples),
        preset=nncf.QuantizationPreset(spec["preset"]),
        model_type=nncf.ModelType.TRANSFORMER if spec["transformer"] else None,
        target_device=nncf.TargetDevice.CPU,
    )
    onnx.save(quantized, spec["output"])
    seconds = time.perf_counter() - begun
    finish({"seconds": seconds, "baseline_bytes": before, "peak_bytes": peak_bytes()})


main()

"""A float and a quantized model in OpenVINO and ONNX Runtime. Task: {float, int8, validation, threads}.

Gives signal-to-noise ratios in dB (null: equal): `openvino` and `onnxruntime` of the quantized model against the float model in
ONNX Runtime, `between` of the quantized model in one against the other; `speedup`: latency of float / int8 in OpenVINO.
"""

import pathlib
import statistics
import sys
import time

import numpy as np
import onnxruntime
import openvino

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peers"))
from common import finish, rows_of, same_threads, task  # noqa: E402

REPEATS = 20


def in_onnxruntime(path, rows, threads):
    """Operator by operator: fusing, ONNX Runtime makes kernels of this layout that it refuses to run."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return [session.run(None, row) for row in rows]


def compiled(path, threads):
    # In float32: bfloat16, which some processors have, would be compared as well.
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    return openvino.Core().compile_model(path, "CPU", settings)


def in_openvino(model, rows):
    request = model.create_infer_request()
    return [[np.array(value) for value in request.infer(row).values()] for row in rows]


def latency(model, row):
    request, times = model.create_infer_request(), []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        request.infer(row)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def decibels(expected, actual):
    """Of the output that suffers most."""
    found = []
    for position in range(len(expected[0])):
        pairs = [(np.float64(x[position]), np.float64(y[position])) for x, y in zip(expected, actual)]
        signal = sum((x**2).sum() for x, _ in pairs)
        noise = sum(((x - y) ** 2).sum() for x, y in pairs)
        if noise > 0:
            found.append(float(10 * np.log10(signal / noise)))
    return min(found) if found else None


def main():
    spec = task()
    same_threads(spec["threads"])
    rows, threads = rows_of(spec["validation"]), spec["threads"]
    float_model, int8 = compiled(spec["float"], threads), compiled(spec["int8"], threads)
    reference = in_onnxruntime(spec["float"], rows, threads)
    ours, theirs = in_onnxruntime(spec["int8"], rows, threads), in_openvino(int8, rows)
    finish(
        {
            "openvino": decibels(reference, theirs),
            "onnxruntime": decibels(reference, ours),
            "between": decibels(ours, theirs),
            "speedup": latency(float_model, rows[0]) / latency(int8, rows[0]),
        }
    )


main()

"""Random graphs beside ONNX Runtime's quantizer: python bench/graphs.py FOLDER, the folder that `npm run soak:graphs -- --keep` filled.

Each graph of at least 25 dB, or at most 1 dB below `quantize_static` on the same samples with the ranges of minmax, holds.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader
from onnxruntime.quantization.shape_inference import quant_pre_process

ENOUGH, MARGIN = 25, 1


class Reader(CalibrationDataReader):
    def __init__(self, rows):
        self.rows = iter(rows)

    def get_next(self):
        return next(self.rows, None)


def feeds(rows):
    return [{name: np.float32(x["data"]).reshape(x["dims"]) for name, x in row.items()} for row in rows]


def run(path, rows, optimized=True):
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return [session.run(None, row) for row in rows]


def lowest(expected, actual):
    """Decibels of the output that suffers most."""
    found = []
    for output in range(len(expected[0])):
        signal = sum(float((row[output].astype(np.float64) ** 2).sum()) for row in expected)
        noise = sum(float(((x[output].astype(np.float64) - y[output]) ** 2).sum()) for x, y in zip(expected, actual))
        ratio = float("inf") if noise == 0 else 10 * np.log10(signal / noise)
        # What is no number is as bad as can be.
        found.append(float("-inf") if np.isnan(ratio) else ratio)
    return min(found)


def peer(model, calibration, held, folder):
    """With scales per channel, which its quantizer does not manage on every graph, else per tensor."""
    try:
        return quantized(model, calibration, held, folder, per_channel=True)
    except Exception:
        return quantized(model, calibration, held, folder, per_channel=False)


def quantized(model, calibration, held, folder, per_channel):
    prepared, written = f"{folder}/prepared.onnx", f"{folder}/quantized.onnx"
    quant_pre_process(str(model), prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        written,
        Reader(calibration),
        quant_format=QuantFormat.QDQ,
        calibrate_method=CalibrationMethod.MinMax,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=per_channel,
    )
    return lowest(run(str(model), held, optimized=False), run(written, held))


def main():
    kept = {"held": 0, "short": [], "no peer": 0}
    for file in sorted(pathlib.Path(sys.argv[1]).glob("*.json"), key=lambda path: int(path.stem)):
        stored = json.loads(file.read_text())
        if stored["decibels"] is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                best = peer(file.with_suffix(".onnx"), feeds(stored["calibration"]), feeds(stored["held"]), folder)
            except Exception as error:
                kept["no peer"] += 1
                print(f"{file.stem}: {stored['decibels']:.1f} dB, the peer fails: {str(error).splitlines()[0][:80]}")
                continue
        if stored["decibels"] >= min(ENOUGH, best - MARGIN):
            kept["held"] += 1
            continue
        kept["short"].append(file.stem)
        ops = " ".join(node.op_type for node in onnx.load(file.with_suffix(".onnx")).graph.node)
        print(f"{file.stem}: {stored['decibels']:.1f} dB, the peer {best:.1f} [{ops}]")
    print(f"{kept['held']} hold, {len(kept['short'])} fall short, {kept['no peer']} without a peer.")


main()

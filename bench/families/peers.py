"""Quantizes small networks with NNCF (both presets) and ONNX Runtime (minmax), and measures them on unseen samples.

Task: {folder, threads}: names.json there lists the networks. Result: versions, and for each network the signal-to-noise ratios of
its output in dB (variance over all samples and elements by the noise).
"""

import importlib.metadata
import json
import logging
import pathlib
import sys

import nncf
import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peers"))
from common import Samples, finish, same_threads, session, task  # noqa: E402


class Reader(CalibrationDataReader):
    def __init__(self, samples):
        self.rows = iter([samples[i] for i in range(len(samples))])

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"x": row}


def by_nncf(base, preset, transformer):
    samples = Samples(f"{base}.calibration.npy")
    quantized = nncf.quantize(
        onnx.load(f"{base}.onnx"),
        nncf.Dataset([samples[i] for i in range(len(samples))], lambda sample: {"x": sample}),
        preset=nncf.QuantizationPreset(preset),
        model_type=nncf.ModelType.TRANSFORMER if transformer else None,
        target_device=nncf.TargetDevice.CPU,
    )
    onnx.save(quantized, f"{base}.peer.onnx")


def by_onnxruntime(base):
    quantize_static(
        f"{base}.onnx",
        f"{base}.peer.onnx",
        Reader(Samples(f"{base}.calibration.npy")),
        quant_format=QuantFormat.QDQ,
        calibrate_method=CalibrationMethod.MinMax,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )


def error(base):
    floating, quantized = session(f"{base}.onnx"), session(f"{base}.peer.onnx")
    samples = Samples(f"{base}.validation.npy")
    pairs = [[each.run(None, {"x": samples[i]})[0] for each in (floating, quantized)] for i in range(len(samples))]
    wanted, given = (np.stack(side).astype(np.float64) for side in zip(*pairs))
    return round(float(10 * np.log10(wanted.var() / ((wanted - given) ** 2).mean())), 2)


def main():
    spec = task()
    same_threads(spec["threads"])
    logging.disable(logging.WARNING)
    folder = pathlib.Path(spec["folder"])
    tools = {
        "nncf": lambda base: by_nncf(base, "performance", False),
        "nncf mixed": lambda base: by_nncf(base, "mixed", False),
        "onnxruntime minmax": by_onnxruntime,
    }
    figures = {}
    for index, name in enumerate(json.loads((folder / "names.json").read_text())):
        figures[name] = {}
        for tool, quantize in tools.items():
            base = str(folder / str(index))
            quantize(base)
            figures[name][tool] = error(base)
    versions = {name: importlib.metadata.version(name) for name in ("nncf", "onnxruntime", "onnx")}
    finish({"versions": versions, "figures": figures})


main()

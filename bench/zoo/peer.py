"""Quantizes a model of the zoo with a peer at its defaults. Task: {tool: nncf | ort, model, calibration, output, threads, transformer}."""

import pathlib
import sys

import onnx

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peers"))
from common import finish, rows_of, same_threads, task  # noqa: E402
from prepare import ort_model, peer_model  # noqa: E402


def by_nncf(spec, rows):
    import nncf

    quantized = nncf.quantize(
        onnx.load(spec["model"]),
        nncf.Dataset(rows),
        subset_size=len(rows),
        model_type=nncf.ModelType.TRANSFORMER if spec["transformer"] else None,
        target_device=nncf.TargetDevice.CPU,
    )
    onnx.save(quantized, spec["output"])


def by_ort(spec, rows):
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.rows = iter(rows)

        def get_next(self):
            return next(self.rows, None)

    prepared = spec["output"].replace(".onnx", ".prepared.onnx")
    ort_model(spec["model"], prepared)
    quantize_static(
        prepared,
        spec["output"],
        Reader(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )


def main():
    spec = task()
    same_threads(spec["threads"])
    rows = rows_of(spec["calibration"])
    raised = spec["output"].replace(".onnx", ".raised.onnx")
    peer_model(spec["model"], raised)
    spec["model"] = raised
    (by_nncf if spec["tool"] == "nncf" else by_ort)(spec, rows)
    finish({})


main()

"""Task: {model, calibration, validation, labels, output, threads, max_drop, preset, weights_per_channel}.

Counts the inferences and the calls of the validation function, and reads from NNCF's log what was reverted.
"""

import logging
import re
import time

import nncf
import numpy as np
import onnx
import onnxruntime
from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, QuantizationParameters

from common import Samples, finish, peak_bytes, same_threads, task


class Log(logging.Handler):
    """Keeps the lines that tell of reversals."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def main():
    spec = task()
    same_threads(spec["threads"])
    log = Log()
    logging.getLogger("nncf").addHandler(log)
    counts = {"calls": 0, "inferences": 0}
    labels = np.load(spec["labels"])
    model = onnx.load(spec["model"])
    name = model.graph.input[0].name
    output = model.graph.output[0].name
    curve = []
    # NNCF quantizes before it validates anything: what comes after is accuracy control.
    restoration_begun = []

    def validate(candidate, items):
        counts["calls"] += 1
        if not restoration_begun:
            restoration_begun.append(time.process_time())
        session = candidate
        if isinstance(candidate, onnx.ModelProto):
            session = onnxruntime.InferenceSession(
                candidate.SerializeToString(), providers=["CPUExecutionProvider"]
            )
        hits = []
        for sample, label in items:
            counts["inferences"] += 1
            scores = session.run([output], {name: sample})[0].reshape(-1)
            hits.append(float(scores.argmax() == label))
        curve.append([len(hits), float(np.mean(hits))])
        return float(np.mean(hits)), hits

    calibration, validation = Samples(spec["calibration"]), Samples(spec["validation"])
    pairs = [(validation[i], int(labels[i])) for i in range(len(validation))]
    begun, cpu_begun = time.perf_counter(), time.process_time()
    quantized = nncf.quantize_with_accuracy_control(
        model,
        nncf.Dataset(calibration, lambda sample: {name: sample}),
        nncf.Dataset(pairs, lambda pair: {name: pair[0]}),
        validate,
        max_drop=spec["max_drop"],
        subset_size=len(calibration),
        preset=nncf.QuantizationPreset(spec["preset"]),
        advanced_quantization_parameters=AdvancedQuantizationParameters(
            weights_quantization_params=QuantizationParameters(per_channel=spec["weights_per_channel"])
        ),
    )
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu_begun
    onnx.save(quantized, spec["output"])
    text = "\n".join(log.lines)
    metrics = re.findall(r"Metric of (initial|quantized) model: ([\d.]+)", text)
    reverted = re.findall(r"(\d+) out of (\d+) were reverted", text)
    finish(
        {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "restoration_cpu_seconds": cpu_begun + cpu_seconds - restoration_begun[0],
            "peak_bytes": peak_bytes(),
            **counts,
            "initial": {key: float(value) for key, value in metrics},
            "reverted": int(reverted[-1][0]) if reverted else 0,
            "operations": int(reverted[-1][1]) if reverted else None,
            "curve": [value for count, value in curve if count == len(pairs)],
            "log": [line for line in log.lines if re.search(r"drop|reverted|Reverted|could not", line)],
        }
    )


main()

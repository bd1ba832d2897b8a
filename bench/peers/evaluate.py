"""Runs float and quantized models side by side on the same samples in the same process.

Task: {models: {name: path}, validation, labels, threads, latency_runs}; the model called "float" is the reference.
Result for each model: top1, top5 (with labels), agreement with the float model's top-1, sqnr_db, latency_ms, kernels.
"""

import os
import re
import statistics
import tempfile
import time

import numpy as np
import onnx

from common import Samples, finish, same_threads, session, task

CONVERSIONS = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}
INTEGER = re.compile(r"(QLinear|QGemm$|QAttention$|QEmbed|ConvInteger|MatMulInteger|DynamicQuantizeMatMul)")
TO_FLOAT = re.compile(r"(ToFloat|Integer|DynamicQuantize)")
PRODUCTS = re.compile(r"(Conv|Gemm|MatMul)")


def kernels(path):
    """How many operators of the runtime's optimized graph compute on 8-bit values: all of them, and the products."""
    with tempfile.TemporaryDirectory() as folder:
        optimized = os.path.join(folder, "optimized.onnx")
        session(path, optimized)
        nodes = onnx.load(optimized).graph.node
    eight_bit = set()
    counts = {"integer": 0, "float": 0, "conversions": 0, "integer_products": 0, "float_products": 0}
    for node in nodes:
        if node.op_type == "DequantizeLinear":
            counts["conversions"] += 1
            continue
        made = INTEGER.match(node.op_type) is not None
        moved = not made and bool(node.input) and node.input[0] in eight_bit
        if node.op_type in CONVERSIONS or moved or (made and not TO_FLOAT.search(node.op_type)):
            eight_bit.update(node.output)
        if node.op_type in CONVERSIONS:
            counts["conversions"] += 1
            continue
        kind = "integer" if made or moved else "float"
        counts[kind] += 1
        if PRODUCTS.search(node.op_type):
            counts[f"{kind}_products"] += 1
    return counts


def latencies(models, feeds, runs):
    """Median milliseconds of each, batch 1. Each in turn has a session of its own: threads of others would wait busily."""
    times = {name: [] for name in models}
    rounds, order = 5, list(models)
    for turn in range(rounds):
        for name in order[turn % len(order) :] + order[: turn % len(order)]:
            alone = session(models[name])
            for index in range(5 + runs // rounds):
                begun = time.perf_counter()
                alone.run(None, feeds)
                if index >= 5:
                    times[name].append(1000 * (time.perf_counter() - begun))
    return {name: statistics.median(values) for name, values in times.items()}


class Score:
    """Sums over the samples; signal and noise apart for every output, since their scales differ."""

    def __init__(self, outputs):
        self.signal, self.noise = np.zeros(outputs), np.zeros(outputs)
        self.top1, self.top5, self.agreement = [], [], []

    def add(self, results, reference, label):
        for i, (value, wanted) in enumerate(zip(results, reference)):
            wanted = wanted.astype(np.float64)
            self.signal[i] += (wanted**2).sum()
            self.noise[i] += ((wanted - value) ** 2).sum()
        scores = results[0].reshape(-1)
        self.agreement.append(int(scores.argmax() == reference[0].argmax()))
        if label is not None:
            best = np.argsort(-scores, kind="stable")[:5]
            self.top1.append(int(best[0] == label))
            self.top5.append(int(label in best))

    def result(self):
        with np.errstate(divide="ignore"):
            # The output that suffers most.
            sqnr = float((10 * np.log10(self.signal / self.noise)).min())
        labelled = {"top1": np.mean(self.top1), "top5": np.mean(self.top5), "hits": self.top1} if self.top1 else {}
        return {**labelled, "agreement": np.mean(self.agreement), "sqnr_db": sqnr if np.isfinite(sqnr) else None}


def main():
    spec = task()
    same_threads(spec["threads"])
    sessions = {name: session(path) for name, path in spec["models"].items()}
    floating = sessions["float"]
    name = floating.get_inputs()[0].name
    samples = Samples(spec["validation"])
    labels = np.load(spec["labels"]) if spec["labels"] else None
    outputs = [output.name for output in floating.get_outputs()]
    scores = {key: Score(len(outputs)) for key in sessions}
    for index in range(len(samples)):
        feeds = {name: samples[index]}
        reference = floating.run(outputs, feeds)
        for key, each in sessions.items():
            results = reference if key == "float" else each.run(outputs, feeds)
            scores[key].add(results, reference, None if labels is None else labels[index])
    del sessions, floating
    times = latencies(spec["models"], {name: samples[0]}, spec["latency_runs"])
    finish(
        {
            key: {
                **scores[key].result(),
                "latency_ms": times[key],
                "kernels": kernels(path),
                "bytes": os.path.getsize(path),
            }
            for key, path in spec["models"].items()
        }
    )


if __name__ == "__main__":
    main()

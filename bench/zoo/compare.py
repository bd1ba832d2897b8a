"""Runs float and quantized models on the same held-out samples. Task: {models: {name: path}, validation, labels, threads}."""

import os
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peers"))
from common import finish, rows_of, same_threads, session, task  # noqa: E402
from evaluate import Score, kernels, latencies  # noqa: E402


def main():
    spec = task()
    same_threads(spec["threads"])
    rows = rows_of(spec["validation"])
    count = len(rows)
    labels = np.load(spec["labels"]).tolist() if spec["labels"] else [None] * count
    sessions = {name: session(path) for name, path in spec["models"].items()}
    outputs = [output.name for output in sessions["float"].get_outputs()]
    scores = {key: Score(len(outputs)) for key in sessions}
    for row, label in zip(rows, labels):
        reference = sessions["float"].run(outputs, row)
        for key, each in sessions.items():
            results = reference if key == "float" else each.run(outputs, row)
            scores[key].add(results, reference, label)
    del sessions
    times = latencies(spec["models"], rows[0], 25)
    finish(
        {
            key: {**scores[key].result(), "latency_ms": times[key], "kernels": kernels(path), "bytes": os.path.getsize(path)}
            for key, path in spec["models"].items()
        }
    )


main()

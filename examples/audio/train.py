"""Makes the sounds of this example, trains a small recurrent network on them and writes sweeps.onnx.

Needs: pip install numpy onnx   (any recent versions; the committed files were made with numpy 2.4, onnx 1.23)
An echo state network (Jaeger, 2001): the recurrent weights are random, the readout is ridge regression.
"""

import pathlib
import shutil
import wave

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
RATE, FRAME, UNITS = 8000, 128, 48
CLASSES = ("down", "high", "low", "up")
rng = np.random.default_rng(3)


def sound(name):
    """A tone that falls, rises or stays, in noise: a single window does not tell rising from falling."""
    length = FRAME * 20
    low, high = rng.uniform(300, 500), rng.uniform(1400, 1700)
    begin, end = {"down": (high, low), "up": (low, high), "high": (high, high), "low": (low, low)}[name]
    phase = 2 * np.pi * np.cumsum(np.linspace(begin, end, length)) / RATE + rng.uniform(0, 6)
    return 0.4 * np.sin(phase) + rng.normal(0, 0.08, length)


def write(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def states(samples, weights):
    """The state after each window: h' = tanh(relu(x·F)·W + h·U)."""
    h, seen = np.zeros(UNITS), []
    for x in samples.reshape(-1, FRAME):
        h = np.tanh(np.maximum(x @ weights["F"], 0) @ weights["W"] + h @ weights["U"])
        seen.append(h)
    return seen


def random_weights():
    """Filters of random tones in two phases, and a recurrent matrix whose largest eigenvalue is below 1."""
    time = np.arange(FRAME) / RATE
    tones = np.stack([np.sin(2 * np.pi * f * time + p) for f in np.linspace(250, 1800, 16) for p in (0, 1.57, 3.14, 4.71)], 1)
    recurrent = rng.normal(size=(UNITS, UNITS))
    recurrent *= 0.95 / np.abs(np.linalg.eigvals(recurrent)).max()
    return {"F": tones / 16, "W": rng.normal(size=(64, UNITS)) * 0.25, "U": recurrent}


def main():
    weights = random_weights()
    train = [(sound(name), index) for index, name in enumerate(CLASSES) for _ in range(150)]
    last = np.stack([np.append(states(samples, weights)[-1], 1) for samples, _ in train])
    wanted = np.eye(len(CLASSES))[[index for _, index in train]]
    readout = np.linalg.solve(last.T @ last + 0.1 * np.eye(UNITS + 1), last.T @ wanted)
    weights |= {"V": readout[:-1], "b": readout[-1]}

    shutil.rmtree(HERE / "sounds", ignore_errors=True)
    for part, count in (("calibration", 2), ("validation", 6)):
        for name in CLASSES:
            for take in range(count):
                write(HERE / "sounds" / part / name / f"{take}.wav", sound(name))

    port = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    nodes = [
        helper.make_node("MatMul", ["samples", "F"], ["filtered"], name="filters"),
        helper.make_node("Relu", ["filtered"], ["energy"], name="energy"),
        helper.make_node("MatMul", ["energy", "W"], ["seen"], name="input"),
        helper.make_node("MatMul", ["state", "U"], ["kept"], name="recurrent"),
        helper.make_node("Add", ["seen", "kept"], ["sum"], name="sum"),
        helper.make_node("Tanh", ["sum"], ["state_out"], name="tanh"),
        helper.make_node("Gemm", ["state_out", "V", "b"], ["scores"], name="readout"),
    ]
    graph = helper.make_graph(
        nodes,
        "sweeps",
        [port("samples", [1, FRAME]), port("state", [1, UNITS])],
        [port("scores", [1, len(CLASSES)]), port("state_out", [1, UNITS])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="quantsmith example")
    onnx.checker.check_model(model)
    onnx.save(model, HERE / "sweeps.onnx")


main()

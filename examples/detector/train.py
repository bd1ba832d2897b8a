"""Draws the images and boxes of this example, trains a small detector on them and writes boxes.onnx.

Needs: pip install numpy onnx pillow   (any recent versions; the committed files were made with numpy 2.4, onnx 1.23)
One random layer of convolutions, averages around each cell of a grid, and a readout by ridge regression, in the form of
YOLOv8's output: [1, 4 + classes, cells], boxes as centre and size in pixels.
"""

import pathlib
import shutil

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

HERE = pathlib.Path(__file__).parent
SIZE, STRIDE, FILTERS, CLASSES = 64, 8, 40, 2
STEP = STRIDE // 2  # after averages of 2 x 2 pixels
KERNEL = 3 * STEP
CELLS = SIZE // STRIDE
rng = np.random.default_rng(13)


def picture():
    """One to three reddish (class 0) or bluish (class 1) boxes on a noisy ground. Bytes, and rows of class, centre and size."""
    image = np.full((SIZE, SIZE, 3), rng.uniform(80, 120), float)
    boxes = []
    for _ in range(rng.integers(1, 4)):
        w, h = rng.integers(10, 21, 2)
        x, y = rng.integers(0, SIZE - w), rng.integers(0, SIZE - h)
        if any(abs(x + w / 2 - bx) < (w + bw) / 2 + 2 and abs(y + h / 2 - by) < (h + bh) / 2 + 2 for _, bx, by, bw, bh in boxes):
            continue
        label = int(rng.integers(2))
        image[y : y + h, x : x + w] = np.array([(210, 90, 80), (80, 100, 210)][label]) + rng.normal(0, 10, 3)
        boxes.append((label, x + w / 2, y + h / 2, w, h))
    return np.clip(image + rng.normal(0, 10, image.shape), 0, 255).astype(np.uint8), boxes


def features(image, weights):
    """[cells, filters]"""
    halved = (image / 255).reshape(SIZE // 2, 2, SIZE // 2, 2, 3).mean((1, 3))
    padded = np.pad(halved, ((STEP, STEP), (STEP, STEP), (0, 0)))
    patches = sliding_window_view(padded, (KERNEL, KERNEL), (0, 1))[::STEP, ::STEP].reshape(CELLS * CELLS, -1)
    return np.maximum(patches @ weights["K"].reshape(FILTERS, -1).T + weights["c"], 0)


def targets(boxes):
    """For each cell: offset of the centre and size of the box over it, in strides, and classes. The weight of a row: 1 where there is one."""
    rows = np.zeros((CELLS * CELLS, 4 + CLASSES))
    for label, x, y, w, h in boxes:
        for cell in range(CELLS * CELLS):
            cy, cx = (cell // CELLS + 0.5) * STRIDE, (cell % CELLS + 0.5) * STRIDE
            if abs(x - cx) <= STRIDE / 2 and abs(y - cy) <= STRIDE / 2:
                rows[cell] = [(x - cx) / STRIDE, (y - cy) / STRIDE, w / STRIDE, h / STRIDE, *np.eye(CLASSES)[label]]
    return rows


def smooth_filters():
    """Random mixtures of soft blobs and edges, each of a random color."""
    rows, columns = np.mgrid[:KERNEL, :KERNEL] / KERNEL
    filters = []
    for _ in range(FILTERS):
        y, x, angle = *rng.uniform(0.1, 0.9, 2), rng.uniform(0, 6.28)
        along = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
        blob = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / rng.uniform(0.01, 0.08))
        shape = blob * np.tanh(along * 20) if rng.random() < 0.6 else blob
        filters.append(rng.normal(size=3)[:, None, None] * shape)
    return np.stack(filters) * 0.3


def main():
    weights = {"K": smooth_filters(), "c": rng.normal(size=FILTERS) * 0.5}
    train = [picture() for _ in range(1500)]
    seen = np.concatenate([features(image, weights) for image, _ in train])
    seen = np.hstack([seen, np.ones((len(seen), 1))])
    wanted = np.concatenate([targets(boxes) for _, boxes in train])
    has_box = wanted[:, 4:].sum(1) > 0
    ridge = lambda x, y: np.linalg.solve(x.T @ x + 0.01 * np.eye(x.shape[1]), x.T @ y)
    readout = np.hstack([ridge(seen[has_box], wanted[has_box, :4]), ridge(seen, wanted[:, 4:])])
    weights |= {"R": readout[:-1].T[:, :, None, None], "b": readout[-1]}
    return weights


def write(weights):
    for part in ("calibration", "validation", "labels"):
        shutil.rmtree(HERE / part, ignore_errors=True)
        (HERE / part).mkdir()
    for part, count in (("calibration", 10), ("validation", 24)):
        for index in range(count):
            image, boxes = picture()
            Image.fromarray(image).save(HERE / part / f"{index:02}.png", optimize=True)
            if part == "validation":
                lines = [f"{label} {x / SIZE:g} {y / SIZE:g} {w / SIZE:g} {h / SIZE:g}" for label, x, y, w, h in boxes]
                (HERE / "labels" / f"{index:02}.txt").write_text("\n".join(lines) + "\n")

    cells = np.arange(CELLS * CELLS)
    centres = np.stack([(cells % CELLS + 0.5) * STRIDE, (cells // CELLS + 0.5) * STRIDE])[None]
    values = {**weights, "centres": centres, "stride": np.array(STRIDE, float)}
    integers = {"flat": [1, 4 + CLASSES, CELLS * CELLS], "parts": [2, 2, CLASSES]}
    nodes = [
        helper.make_node("AveragePool", ["image"], ["halved"], name="halve", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["halved", "K", "c"], ["before"], name="features", strides=[STEP] * 2, pads=[STEP] * 4),
        helper.make_node("Relu", ["before"], ["after"], name="relu"),
        helper.make_node("Conv", ["after", "R", "b"], ["head"], name="head"),
        helper.make_node("Reshape", ["head", "flat"], ["rows"], name="reshape"),
        helper.make_node("Split", ["rows", "parts"], ["offsets", "sizes", "scores"], name="split", axis=1),
        helper.make_node("Mul", ["offsets", "stride"], ["moved"], name="move"),
        helper.make_node("Add", ["moved", "centres"], ["xy"], name="centre"),
        helper.make_node("Mul", ["sizes", "stride"], ["wh"], name="scale"),
        helper.make_node("Clip", ["scores", "zero", "one"], ["sure"], name="clip"),
        helper.make_node("Concat", ["xy", "wh", "sure"], ["boxes"], name="join", axis=1),
    ]
    values |= {"zero": np.array(0.0), "one": np.array(1.0)}
    port = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    graph = helper.make_graph(
        nodes,
        "boxes",
        [port("image", [1, 3, SIZE, SIZE])],
        [port("boxes", [1, 4 + CLASSES, CELLS * CELLS])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()]
        + [numpy_helper.from_array(np.array(value), name) for name, value in integers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="quantsmith example")
    onnx.checker.check_model(model)
    onnx.save(model, HERE / "boxes.onnx")


write(main())

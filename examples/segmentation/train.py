"""Draws the images and masks of this example, trains a small network on them and writes shapes.onnx.

Needs: pip install numpy onnx pillow   (any recent versions; the committed files were made with numpy 2.4, onnx 1.23)
Random convolutions, and a readout for each pixel by ridge regression.
"""

import pathlib
import shutil

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

HERE = pathlib.Path(__file__).parent
SIZE, KERNEL, FILTERS, CLASSES = 48, 5, 32, 3
rng = np.random.default_rng(11)


def picture():
    """Discs (class 1) and squares (class 2) of other colors on a noisy ground (class 0). Bytes, and the mask."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    image = np.full((SIZE, SIZE, 3), rng.uniform(60, 130), float)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    for _ in range(rng.integers(2, 5)):
        label = int(rng.integers(1, 3))
        y, x, radius = *rng.uniform(6, SIZE - 6, 2), rng.uniform(4, 9)
        apart = np.hypot(rows - y, columns - x) if label == 1 else np.maximum(abs(rows - y), abs(columns - x))
        mask[apart <= radius] = label
        color = (190, 120, 90) if label == 1 else (90, 130, 190)
        image[apart <= radius] = np.array(color) + rng.normal(0, 15, 3)
    return np.clip(image + rng.normal(0, 18, image.shape), 0, 255).astype(np.uint8), mask


def features(image, weights):
    """[pixels, filters]"""
    padded = np.pad(image / 255, ((2, 2), (2, 2), (0, 0)))
    patches = sliding_window_view(padded, (KERNEL, KERNEL), (0, 1)).reshape(SIZE * SIZE, -1)
    return np.maximum(patches @ weights["K"].reshape(FILTERS, -1).T + weights["c"], 0)


def main():
    weights = {"K": rng.normal(size=(FILTERS, 3, KERNEL, KERNEL)) * 0.15, "c": rng.normal(size=FILTERS) * 0.3}
    train = [picture() for _ in range(60)]
    seen = np.concatenate([features(image, weights) for image, _ in train])
    seen = np.hstack([seen, np.ones((len(seen), 1))])
    wanted = np.eye(CLASSES)[np.concatenate([mask.ravel() for _, mask in train])]
    readout = np.linalg.solve(seen.T @ seen + np.eye(FILTERS + 1), seen.T @ wanted)
    weights |= {"R": readout[:-1].T[:, :, None, None], "b": readout[-1]}

    for part in ("calibration", "validation", "masks"):
        shutil.rmtree(HERE / part, ignore_errors=True)
        (HERE / part).mkdir()
    for part, count in (("calibration", 8), ("validation", 12)):
        for index in range(count):
            image, mask = picture()
            Image.fromarray(image).save(HERE / part / f"{index:02}.png", optimize=True)
            if part == "validation":
                Image.fromarray(mask).save(HERE / "masks" / f"{index:02}.png", optimize=True)

    port = lambda name, channels: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, SIZE, SIZE])
    nodes = [
        helper.make_node("Conv", ["image", "K", "c"], ["before"], name="features", pads=[2, 2, 2, 2]),
        helper.make_node("Relu", ["before"], ["after"], name="relu"),
        helper.make_node("Conv", ["after", "R", "b"], ["classes"], name="readout"),
    ]
    graph = helper.make_graph(
        nodes,
        "shapes",
        [port("image", 3)],
        [port("classes", CLASSES)],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="quantsmith example")
    onnx.checker.check_model(model)
    onnx.save(model, HERE / "shapes.onnx")


main()

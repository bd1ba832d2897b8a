"""Decodes data into tensors that every tool reads alike, and makes the models that the peers accept.

Task: {model, data, preprocess, calibration, validation, out}. Writes calibration.npy, validation.npy, labels.npy,
peer.onnx (opset 13 or later, initializers are no inputs) and peer.ort.onnx (after ONNX Runtime's quant_pre_process).
"""

import csv
import pathlib

import numpy as np
import onnx
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

from common import finish, task

LOWEST_OPSET = 13


def image_files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


def decode(path, preprocess):
    image = Image.open(path).convert("RGB")
    size = preprocess["size"]
    if isinstance(size, int):
        factor = size / min(image.size)
        image = image.resize([round(side * factor) for side in image.size], Image.Resampling.BILINEAR)
    else:
        height, width = size
        if "letterbox" in preprocess:
            factor = min(height / image.height, width / image.width)
            inner = image.resize((int(image.width * factor), int(image.height * factor)), Image.Resampling.BILINEAR)
            image = Image.new("RGB", (width, height), (preprocess["letterbox"],) * 3)
            image.paste(inner, (0, 0))
        else:
            image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    if "crop" in preprocess:
        side = preprocess["crop"]
        top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
        pixels = pixels[top : top + side, left : left + side]
    return pixels[..., ::-1] if preprocess.get("color") == "bgr" else pixels


def normalize(pixels, preprocess):
    """Height × width (× channels) bytes to float32 in channels × height × width."""
    values = pixels.astype(np.float32) / np.float32(preprocess.get("scale", 1))
    if values.ndim == 2:
        return values[None]
    values = (values - np.float32(preprocess.get("mean", [0] * 3))) / np.float32(preprocess.get("std", [1] * 3))
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def rows(section, data, preprocess):
    """Names and tensors, one after the other."""
    limit = section.get("limit")
    if "images" in section:
        files = image_files(data / section["images"])[:limit]
        return [file.name for file in files], (normalize(decode(file, preprocess), preprocess) for file in files)
    array = np.load(data / section["array"], mmap_mode="r")[:limit]
    same = preprocess is None
    return [str(i) for i in range(len(array))], (np.array(row) if same else normalize(row, preprocess) for row in array)


def write_rows(path, count, tensors):
    target = None
    for index, tensor in enumerate(tensors):
        if target is None:
            target = np.lib.format.open_memmap(path, "w+", tensor.dtype, (count, *tensor.shape))
        target[index] = tensor
    target.flush()


def labels_of(section, data, names):
    if "labels" not in section:
        return None
    path = data / section["labels"]
    if path.suffix == ".npy":
        return np.load(path).astype(np.int64).reshape(-1)[: len(names)]
    with open(path, newline="") as file:
        table = {row["file"]: int(row["label"]) for row in csv.DictReader(file)}
    return np.array([table[name] for name in names], np.int64)


def peer_model(path, out):
    """The peers refuse old operator sets and stumble over initializers that are inputs too."""
    model = onnx.load(path)
    notes = []
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) < len(model.graph.input):
        del model.graph.input[:]
        model.graph.input.extend(inputs)
        model.ir_version = max(model.ir_version, 4)
        notes.append("initializers taken out of the inputs")
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if opset < LOWEST_OPSET:
        model = onnx.version_converter.convert_version(model, LOWEST_OPSET)
        notes.append(f"operator set {opset} raised to {LOWEST_OPSET} by onnx's version converter")
    onnx.save(model, out)
    return notes


def ort_model(path, out):
    """ONNX Runtime's own preparation; its symbolic shapes fail on some models, then it goes without."""
    try:
        quant_pre_process(path, out)
        return []
    except Exception:
        quant_pre_process(path, out, skip_symbolic_shape=True)
        return ["quant_pre_process without symbolic shape inference, which fails"]


def main():
    spec = task()
    data, out = pathlib.Path(spec["data"]), pathlib.Path(spec["out"])
    counts = {}
    for part in ("calibration", "validation"):
        names, tensors = rows(spec[part], data, spec["preprocess"])
        counts[part] = len(names)
        write_rows(out / f"{part}.npy", len(names), tensors)
    labels = labels_of(spec["validation"], data, names)
    if labels is not None:
        np.save(out / "labels.npy", labels)
    notes = peer_model(data / spec["file"], out / "peer.onnx")
    notes += ort_model(out / "peer.onnx", out / "peer.ort.onnx")
    finish({"counts": counts, "labels": labels is not None, "notes": notes})


if __name__ == "__main__":
    main()

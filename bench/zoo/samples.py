"""Samples of a model as tensors: ONNX test data for the engine, the same arrays for the peers.

Task: {data, root, out, model, calibration, validation}: `data` says how (bench/zoo/models.mjs); the model tells the inputs' names.
Writes calibration.npz and validation.npz (each input with the samples on the first axis) and samples/test_data_set_*/input_*.pb.
"""

import csv
import pathlib
import sys
import wave

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peers"))
from common import finish, task  # noqa: E402

from minilm import sentences  # noqa: E402


def pixels(array, data):
    values = array.astype(np.float32) / np.float32(data.get("scale", 1))
    values = (values - np.float32(data.get("mean", [0] * 3))) / np.float32(data.get("std", [1] * 3))
    return values.transpose(2, 0, 1)[None]


def images(data, folder, count):
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))[:count]
    for file in files:
        image = Image.open(file).convert("RGB")
        height, width = data["size"]
        if "crop" in data:
            factor = data["crop"] / min(image.size)
            image = image.resize([round(side * factor) for side in image.size], Image.Resampling.BILINEAR)
            left, top = (image.width - width) // 2, (image.height - height) // 2
            image = image.crop((left, top, left + width, top + height))
        else:
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        array = np.asarray(image)
        yield file.name, pixels(array[..., ::-1] if data.get("color") == "bgr" else array, data)


def image_samples(data, root, part, count, inputs):
    folder = root / data["folder"] / part
    rows = list(images(data, folder, count))
    labels = None
    if part == "validation" and "labels" in data:
        with open(folder / data["labels"], newline="") as file:
            table = {row["file"]: int(row["label"]) for row in csv.DictReader(file)}
        labels = [table[name] for name, _ in rows]
    return [{inputs[0]: array} for _, array in rows], labels


WORDS = "invoice total amount street number date name order paid due 2026 17.50 open until closed exit room gate".split()


def label(random, height):
    """A printed line of words on plain ground."""
    words = " ".join(random.choice(WORDS, random.integers(2, 5)))
    font = ImageFont.load_default(int(height * 0.7))
    ground, ink = [tuple(int(v) for v in random.integers(*span, 3)) for span in ((170, 256), (0, 90))]
    line = Image.new("RGB", (int(font.getlength(words)) + height // 2, height), ground)
    ImageDraw.Draw(line).text((height // 4, height * 0.05), words, ink, font)
    return line


def text_samples(data, root, part, count, inputs):
    """Lines of text: one that fills the image (every second upside down with `turned`), or several on a photo (`photos`)."""
    random = np.random.default_rng(3 if part == "calibration" else 4)
    height, width = data["size"]
    photos = sorted((root / data["photos"] / part).rglob("*.jpg")) if "photos" in data else []
    rows = []
    for index in range(count):
        if photos:
            image = Image.open(photos[index % len(photos)]).convert("RGB").resize((width, height))
            for top in range(10, height - 40, 56):
                line = label(random, int(random.integers(18, 40)))
                image.paste(line, (int(random.integers(0, 40)), top))
        else:
            line = label(random, height)
            image = line.crop((0, 0, width, height)) if line.width >= width else line.resize((width, height))
            image = image.rotate(180) if data.get("turned") and index % 2 else image
        rows.append({inputs[0]: pixels(np.asarray(image)[..., ::-1], data)})
    return rows, None


def array_samples(data, root, part, count, inputs):
    folder = root / data["folder"]
    rows = np.load(folder / f"{part}_x.npy", mmap_mode="r")[:count]
    labels = np.load(folder / "validation_y.npy").reshape(-1)[:count].tolist() if part == "validation" else None
    return [{inputs[0]: pixels(np.array(row), data)} for row in rows], labels


def magika_samples(data, root, part, count, inputs):
    rows = np.load(root / data["folder"] / "validation_x.npy")
    labels = np.load(root / data["folder"] / "validation_y.npy").reshape(-1).tolist()
    # One set of 76 files: calibrated and validated on the same ones, by every tool.
    return [{inputs[0]: row[None]} for row in rows], labels if part == "validation" else None


def byte_samples(data, root, part, count, inputs):
    """Begin and end of files that are there anyway: Python's own sources and libraries."""
    files = sorted(p for p in pathlib.Path(np.__file__).parent.rglob("*") if p.is_file() and p.stat().st_size > 64)
    chosen = files[:: max(1, len(files) // (2 * count))][: 2 * count]
    half, rows = data["length"] // 2, []
    for file in chosen[:: 2] if part == "calibration" else chosen[1::2]:
        content = file.read_bytes()
        row = np.full(data["length"], 256, np.int32)
        head, tail = np.frombuffer(content[:half], np.uint8), np.frombuffer(content[-half:], np.uint8)
        row[: len(head)], row[data["length"] - len(tail) :] = head, tail
        rows.append({inputs[0]: row[None]})
    return rows[:count], None


def token_samples(data, root, part, count, inputs):
    rows = np.load(root / data["file"])
    rows = rows[: len(rows) // 2] if part == "calibration" else rows[len(rows) // 2 :]
    return [{inputs[0]: row[None]} for row in rows[:count]], None


def sentence_samples(data, root, part, count, inputs, model):
    rows = sentences(pathlib.Path(model).with_name("vocab.txt"), 2 * count)
    rows = rows[:count] if part == "calibration" else rows[count:]
    return [{"input_ids": ids[None], "attention_mask": np.ones_like(ids)[None]} for ids in rows], None


def random_samples(data, root, part, count, inputs):
    random = np.random.default_rng(1 if part == "calibration" else 2)
    make = lambda dims: random.standard_normal(dims).astype(np.float32)  # noqa: E731
    return [{name: make(dims) for name, dims in data["shapes"].items()} for _ in range(count)], None


def sound(path):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def spectra_samples(data, root, part, count, inputs):
    """Frames of a short-time Fourier transform; the caches hold what earlier frames left, here: nothing."""
    samples, rows = sound(root / data["file"]), []
    window = np.hanning(513)[:512] ** 0.5
    offset = 0 if part == "calibration" else 1
    for index in range(count):
        start = (2 * index + offset) * 256 % (len(samples) - 512)
        spectrum = np.fft.rfft(samples[start : start + 512] * window)
        frame = np.stack([spectrum.real, spectrum.imag], -1).astype(np.float32)
        rows.append(
            {
                "mix": frame.reshape(1, 257, 1, 2),
                "conv_cache": np.zeros((2, 1, 16, 16, 33), np.float32),
                "tra_cache": np.zeros((2, 3, 1, 1, 16), np.float32),
                "inter_cache": np.zeros((2, 1, 33, 16), np.float32),
            }
        )
    return rows, None


def voice_samples(data, root, part, count, inputs, model):
    """Windows of speech with the 64 samples before each; the state is what the float model has made of the windows so far."""
    samples, state, rows = sound(root / data["file"]), np.zeros((2, 1, 128), np.float32), []
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for start in range(64, len(samples) - 512, 512):
        rows.append({"input": samples[start - 64 : start + 512][None], "state": state, "sr": np.array(16000)})
        state = session.run(["stateN"], rows[-1])[0]
    return rows[part == "validation" :: 2][:count], None


def main():
    spec = task()
    data, root, out = spec["data"], pathlib.Path(spec["root"]), pathlib.Path(spec["out"])
    graph = onnx.load(spec["model"], load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in constants]
    makers = {
        "images": image_samples,
        "text": text_samples,
        "arrays": array_samples,
        "magika": magika_samples,
        "bytes": byte_samples,
        "tokens": token_samples,
        "random": random_samples,
        "spectra": spectra_samples,
        "voice": lambda *rest: voice_samples(*rest, spec["model"]),
        "sentences": lambda *rest: sentence_samples(*rest, spec["model"]),
    }
    result = {}
    for part in ("calibration", "validation"):
        rows, labels = makers[data["kind"]](data, root, part, spec[part], inputs)
        np.savez(out / f"{part}.npz", **{name: np.stack([row[name] for row in rows]) for name in rows[0]})
        result[part] = len(rows)
        if labels is not None:
            np.save(out / "labels.npy", np.array(labels))
        for index, row in enumerate(rows if part == "calibration" else []):
            folder = out / "samples" / f"test_data_set_{index:04}"
            folder.mkdir(parents=True, exist_ok=True)
            for position, name in enumerate(row):
                tensor = numpy_helper.from_array(np.array(row[name], order="C"), name)
                (folder / f"input_{position}.pb").write_bytes(tensor.SerializeToString())
    finish(result)


main()

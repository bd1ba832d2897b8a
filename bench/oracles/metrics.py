"""Expected values of the metrics, from their reference implementations, over seeded cases.

    pip install numpy scipy scikit-learn scikit-image pycocotools jiwer
    python bench/oracles/metrics.py

Writes test/oracles/metrics/<group>.json: one list of values for each metric. The cases themselves are not kept: they follow
from their number by a small generator that engine/test/oracleCases.ts has too, draw by draw.
"""

import contextlib
import io
import itertools
import json
import math
import os
import warnings

import jiwer
import numpy as np
import scipy
import skimage
import sklearn
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.spatial.distance import cosine as cosine_distance
from scipy.special import log_softmax
from scipy.stats import spearmanr
from skimage.metrics import peak_signal_noise_ratio
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, mean_absolute_error, mean_squared_error

CASES = 1000
OUT = os.path.join(os.path.dirname(__file__), "../../test/oracles/metrics")


class Random:
    """mulberry32."""

    def __init__(self, seed):
        self.state = seed & 0xFFFFFFFF

    def next(self):
        self.state = (self.state + 0x6D2B79F5) & 0xFFFFFFFF
        t = self.state
        t = ((t ^ (t >> 15)) * (1 | t)) & 0xFFFFFFFF
        t = ((t + (((t ^ (t >> 7)) * (61 | t)) & 0xFFFFFFFF)) & 0xFFFFFFFF) ^ t
        return ((t ^ (t >> 14)) & 0xFFFFFFFF) / 4294967296

    def below(self, limit):
        return math.floor(self.next() * limit)

    def values(self, count):
        """Multiples of 1/8 from -4 to 4, so that ties are common."""
        return np.array([(self.below(65) - 32) / 8 for _ in range(count)], dtype=np.float32)


def classes(seed):
    r = Random(seed)
    count, samples = 2 + r.below(9), 1 + r.below(30)
    scores = [r.values(count) for _ in range(samples)]
    labels = [r.below(count) for _ in range(samples)]
    first = [int(np.argmax(s)) for s in scores]
    top5 = [label in np.argsort(-s, kind="stable")[:5] for s, label in zip(scores, labels)]
    f1 = lambda average: f1_score(labels, first, average=average, zero_division=0)
    ones = lambda values: [int(v == 1) for v in values]
    return {
        "top1": accuracy_score(labels, first),
        "top5": sum(top5) / samples,
        "f1": f1("macro"),
        "f1_micro": f1("micro"),
        "f1_binary": f1_score(ones(labels), ones(first), zero_division=0),
    }


def differences(seed):
    r = Random(seed)
    size, samples = 1 + r.below(20), 1 + r.below(6)
    expected = [r.values(size) for _ in range(samples)]
    actual = [e if r.below(8) == 0 else (e + r.values(size) / 4).astype(np.float32) for e in expected]
    e, a = np.concatenate(expected).astype(np.float64), np.concatenate(actual).astype(np.float64)
    noise, peak = ((e - a) ** 2).sum(), e.max() - e.min()

    def cos(x, y):
        x, y = x.astype(np.float64), y.astype(np.float64)
        if not x.any() and not y.any():
            return 1.0
        return 0.0 if not x.any() or not y.any() else 1 - cosine_distance(x, y)

    def psnr():
        if noise == 0:
            return 200
        return -200 if peak == 0 else peak_signal_noise_ratio(e, a, data_range=peak)

    sqnr = 200 if noise == 0 else -200 if not e.any() else 10 * math.log10((e**2).sum() / noise)
    return {
        "mse": float(np.mean([mean_squared_error(x, y) for x, y in zip(expected, actual)])),
        "mae": float(np.mean([mean_absolute_error(x, y) for x, y in zip(expected, actual)])),
        "cosine": float(np.mean([cos(x, y) for x, y in zip(actual, expected)])),
        "psnr": float(psnr()),
        "sqnr": float(sqnr),
    }


def agreement(seed):
    r = Random(seed)
    rank, count = 2 + r.below(3), 2 + r.below(5)
    dims = [[1, count], [1, 1 + r.below(6), count], [1, count, 1 + r.below(4), 1 + r.below(4)]][rank - 2]
    samples = 1 + r.below(4)
    same, positions = 0, 0
    for _ in range(samples):
        size = int(np.prod(dims))
        e, a = r.values(size).reshape(dims), r.values(size).reshape(dims)
        axis = 1 if rank == 4 else -1
        equal = np.argmax(e, axis) == np.argmax(a, axis)
        same, positions = same + equal.sum(), positions + equal.size
    return {"agreement": float(same / positions)}


def segmentation(seed):
    r = Random(seed)
    count, height, width, samples = 2 + r.below(4), 1 + r.below(6), 1 + r.below(6), 1 + r.below(4)
    predicted, actual = [], []
    for _ in range(samples):
        scores = r.values(count * height * width).reshape(count, -1)
        mask = np.array([255 if r.below(10) == 0 else r.below(count) for _ in range(height * width)])
        predicted += list(np.argmax(scores, 0)[mask != 255])
        actual += list(mask[mask != 255])
    if not actual:
        return {"miou": 0.0, "pixel_accuracy": 0.0}
    present = sorted({*predicted, *actual})
    return {
        "miou": jaccard_score(actual, predicted, labels=present, average="macro"),
        "pixel_accuracy": accuracy_score(actual, predicted),
    }


def tokens(seed):
    r = Random(seed)
    count, samples = 3 + r.below(5), 1 + r.below(4)
    stride = None if r.below(2) == 0 else 1 + r.below(6)
    predicted, actual, losses = [], [], []
    for _ in range(samples):
        length = 2 + r.below(8)
        logits = r.values(length * count).reshape(length, count)
        labels = np.array([-100 if r.below(6) == 0 else r.below(count) for _ in range(length)])
        predicted += list(np.argmax(logits, 1)[labels >= 0])
        actual += list(labels[labels >= 0])
        log = log_softmax(logits.astype(np.float64), 1)
        first = 1 if stride is None else max(1, length - stride)
        losses += [-log[i - 1, labels[i]] for i in range(first, length) if labels[i] >= 0]
    f1 = f1_score(actual, predicted, labels=list(range(1, count)), average="micro", zero_division=0) if actual else 0.0
    return {"token_f1": float(f1), "perplexity": float(np.exp(np.mean(losses))) if losses else 1.0}


def pairs(seed):
    r = Random(seed)
    size, samples = 2 + r.below(4), 3 + r.below(20)
    similarity, scores = [], []
    for _ in range(samples):
        a, b = r.values(size), r.values(size)
        same = r.below(5) == 0
        a, b = a.astype(np.float64), (a if same else b).astype(np.float64)
        scores.append(r.below(6))
        both = not a.any() and not b.any()
        similarity.append(1.0 if both else 0.0 if not a.any() or not b.any() else 1 - cosine_distance(a, b))
    # What differs only by rounding is a tie: both sides round to the same digits.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = spearmanr(np.round(similarity, 12), scores).statistic
    return {"spearman": 0.0 if math.isnan(value) else float(value)}


ALPHABET = ["a", "b", "c", "d", " "]


def texts(seed):
    r = Random(seed)
    samples = 1 + r.below(5)
    found, expected = [], []
    for _ in range(samples):
        steps = 1 + r.below(24)
        classes = r.values(steps * 6).reshape(steps, 6).argmax(1)
        found.append("".join(ALPHABET[c - 1] for c, _ in itertools.groupby(classes) if c != 0))
        expected.append("a" + "".join(ALPHABET[r.below(5)] for _ in range(r.below(16))))
    return {"wer": jiwer.wer(expected, found), "cer": jiwer.cer(expected, found)}


AREAS = ["all", "small", "medium", "large"]


def detections(seed):
    r = Random(seed)
    images, count = 1 + r.below(5), 1 + r.below(3)
    truths, found = [], []
    for image in range(1, images + 1):
        own = []
        for _ in range(r.below(6)):
            box = [r.below(300), r.below(300), 1 + r.below(180), 1 + r.below(180)]
            label, crowd = r.below(count), int(r.below(6) == 0)
            area = box[2] * box[3] * (1 + r.below(4)) / 4
            own.append((label, box))
            truths.append(dict(id=len(truths) + 1, image_id=image, category_id=label, bbox=box, area=area, iscrowd=crowd))
        for _ in range(r.below(8)):
            if own and r.below(4) != 0:
                label, box = own[r.below(len(own))]
                box = [box[0] + r.below(9) - 4, box[1] + r.below(9) - 4, max(1, box[2] + r.below(21) - 10), max(1, box[3] + r.below(21) - 10)]
            else:
                label, box = r.below(count), [r.below(300), r.below(300), 1 + r.below(180), 1 + r.below(180)]
            found.append(dict(image_id=image, category_id=label, bbox=box, score=(1 + r.below(8)) / 8))
    names = [f"{kind}_{area}" for kind in ("map", "map50", "map_most2") for area in AREAS]
    if not truths or not found:
        return {name: 0.0 for name in names}
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(
            images=[dict(id=i) for i in range(1, images + 1)],
            annotations=truths,
            categories=[dict(id=c, name=str(c)) for c in range(count)],
        )
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(found), "bbox")
        run.params.maxDets = [1, 2, 100]
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"]

    def mean(values):
        values = values[values > -1]
        return float(values.mean()) if values.size else 0.0

    result = {}
    for a, area in enumerate(AREAS):
        result[f"map_{area}"] = mean(precision[:, :, :, a, 2])
        result[f"map50_{area}"] = mean(precision[:1, :, :, a, 2])
        result[f"map_most2_{area}"] = mean(precision[:, :, :, a, 1])
    return {name: result[name] for name in names}


GROUPS = dict(
    classes=classes,
    differences=differences,
    agreement=agreement,
    segmentation=segmentation,
    tokens=tokens,
    pairs=pairs,
    texts=texts,
    detections=detections,
)


def main():
    os.makedirs(OUT, exist_ok=True)
    versions = {m.__name__: m.__version__ for m in (np, scipy, sklearn, skimage)}
    for name, cases in GROUPS.items():
        values = [cases(seed) for seed in range(CASES)]
        columns = {key: [float(f"{value[key]:.9g}") for value in values] for key in values[0]}
        with open(os.path.join(OUT, f"{name}.json"), "w") as file:
            json.dump(dict(cases=CASES, versions=versions, values=columns), file, separators=(",", ":"))
            file.write("\n")
        print(name, {key: round(sum(column) / CASES, 4) for key, column in columns.items()})


if __name__ == "__main__":
    main()

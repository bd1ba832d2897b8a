"""COCO's average precision of detections that bench/detector.mjs wrote, by pycocotools, beside the value of `metric: map`.

    pip install pycocotools
    python bench/oracles/detections.py FOLDER NAME...

Ends with 1 where the two differ by more than 1e-6.
"""

import contextlib
import io
import json
import os
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def read(folder, name):
    with open(os.path.join(folder, f"{name}.json")) as file:
        return json.load(file)


def evaluated(truths, detections):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        annotations = [dict(truth, id=number + 1) for number, truth in enumerate(truths["truths"])]
        classes = sorted({entry["category_id"] for entry in annotations + detections})
        coco.dataset = dict(
            images=[dict(id=image + 1) for image in range(truths["images"])],
            annotations=annotations,
            categories=[dict(id=label, name=str(label)) for label in classes],
        )
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(detections), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run.stats[0]


def main(folder, names):
    truths = read(folder, "truths")
    off = 0
    for name in names:
        given = read(folder, name)
        expected = evaluated(truths, given["detections"])
        difference = abs(expected - given["value"])
        off += difference > 1e-6
        print(f"{name}: map {given['value']:.9f}, pycocotools {expected:.9f}, difference {difference:.1e}")
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

"""What Pillow and OpenCV make of images, for engine/test/preprocessOracles.test.ts.

    pip install numpy pillow opencv-python-headless
    python bench/oracles/preprocess.py

Writes test/oracles/preprocess/: figures.json (sizes, the pixels of each result in base64) and the small files of the cases
that a file is needed for. Other images follow from their number by the generator of metrics.py.
"""

import base64
import json
import os

import cv2
import numpy as np
import PIL
from PIL import Image, ImageOps

from metrics import Random

OUT = os.path.join(os.path.dirname(__file__), "../../test/oracles/preprocess")
PILLOW = dict(
    bilinear=Image.Resampling.BILINEAR,
    bicubic=Image.Resampling.BICUBIC,
    lanczos=Image.Resampling.LANCZOS,
    nearest=Image.Resampling.NEAREST,
)
# (height, width) of the image and of the result: smaller, much smaller, larger, larger in one direction, the same in one.
SIZES = [((37, 53), (24, 24)), ((90, 160), (13, 21)), ((9, 7), (23, 31)), ((12, 30), (20, 10)), ((16, 40), (16, 25))]


def noise(seed, height, width, channels=3):
    """Every pixel is independent of the others: what is hardest for any scaling."""
    r = Random(seed)
    values = [r.below(256) for _ in range(height * width * channels)]
    return np.array(values, dtype=np.uint8).reshape(height, width, channels)


def smooth(seed, height, width):
    """A ramp with a disc, as photographs have more of."""
    y, x = np.mgrid[0:height, 0:width]
    disc = (x * 4 - width * 2) ** 2 + (y * 4 - height * 2) ** 2 < (4 * min(height, width) // 3) ** 2
    planes = [x * 200 // width + 20, y * 200 // height + 20, np.where(disc, 230, 40)]
    return np.stack(planes, -1).astype(np.uint8)


KINDS = dict(noise=noise, smooth=smooth)


def encoded(pixels):
    return base64.b64encode(np.ascontiguousarray(pixels, dtype=np.uint8).tobytes()).decode()


def scaled():
    for kind, make in KINDS.items():
        for seed, ((h, w), (height, width)) in enumerate(SIZES):
            image = make(seed, h, w)
            case = dict(kind=kind, seed=seed, source=[h, w], size=[height, width])
            for name, method in PILLOW.items():
                result = Image.fromarray(image).resize((width, height), method)
                yield dict(case, by="Pillow", interpolation=name, antialias=True, pixels=encoded(result))
            result = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
            yield dict(case, by="OpenCV", interpolation="bilinear", antialias=False, pixels=encoded(result))


def letterboxed():
    """The image in a frame of gray, scaled to fit: YOLOX pads at the right and the bottom, YOLOv5 on both sides."""
    for seed, ((h, w), size, anchor, upscale) in enumerate(
        [
            ((30, 50), (32, 32), "top_left", True),
            ((30, 50), (32, 32), "center", True),
            ((51, 20), (32, 40), "center", True),
            ((10, 14), (32, 32), "center", True),
            ((10, 14), (32, 32), "center", False),
            ((11, 13), (20, 26), "top_left", False),
        ]
    ):
        image = noise(100 + seed, h, w)
        ratio = min(size[0] / h, size[1] / w)
        ratio = ratio if upscale else min(1.0, ratio)
        height, width = round(h * ratio), round(w * ratio)
        result = image if (height, width) == (h, w) else cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        # As in YOLOv5's letterbox().
        dw, dh = (size[1] - width) / 2, (size[0] - height) / 2
        top, left = (0, 0) if anchor == "top_left" else (round(dh - 0.1), round(dw - 0.1))
        bottom, right = size[0] - height - top, size[1] - width - left
        result = cv2.copyMakeBorder(result, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114))
        yield dict(
            kind="noise", seed=100 + seed, source=[h, w], size=list(size), anchor=anchor, upscale=upscale, by="OpenCV", pixels=encoded(result)
        )


def files():
    """Files as cameras and programs write them, and what Pillow reads from them."""
    upright = Image.fromarray(smooth(0, 16, 24))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        name = f"orientation{orientation}.jpg"
        upright.save(os.path.join(OUT, name), quality=95, subsampling=0, exif=exif)
        image = Image.open(os.path.join(OUT, name))
        turned = ImageOps.exif_transpose(image).convert("RGB")
        yield dict(file=name, orient=True, color="rgb", size=[turned.height, turned.width], pixels=encoded(turned))
        yield dict(file=name, orient=False, color="rgb", size=[16, 24], pixels=encoded(image.convert("RGB")))

    deep = (smooth(0, 12, 12).astype(np.uint16) << 8) + np.arange(12, dtype=np.uint16)[None, :, None] * 21
    cv2.imwrite(os.path.join(OUT, "deep.png"), deep[:, :, ::-1])
    read = cv2.cvtColor(cv2.imread(os.path.join(OUT, "deep.png"), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    yield dict(file="deep.png", orient=False, color="rgb", size=[12, 12], by="OpenCV", pixels=encoded(read))

    cmyk = Image.fromarray(smooth(0, 16, 16)).convert("CMYK")
    cmyk.save(os.path.join(OUT, "cmyk.jpg"), quality=95)
    read = Image.open(os.path.join(OUT, "cmyk.jpg")).convert("RGB")
    yield dict(file="cmyk.jpg", orient=False, color="rgb", size=[16, 16], pixels=encoded(read))

    gray = upright.convert("L")
    gray.save(os.path.join(OUT, "gray.png"))
    yield dict(file="gray.png", orient=False, color="rgb", size=[16, 24], pixels=encoded(gray.convert("RGB")))
    upright.save(os.path.join(OUT, "color.png"))
    yield dict(file="color.png", orient=False, color="gray", size=[16, 24], pixels=encoded(gray))


def main():
    os.makedirs(OUT, exist_ok=True)
    figures = dict(
        versions=dict(numpy=np.__version__, pillow=PIL.__version__, opencv=cv2.__version__),
        scaled=list(scaled()),
        letterboxed=list(letterboxed()),
        files=list(files()),
    )
    with open(os.path.join(OUT, "figures.json"), "w") as file:
        json.dump(figures, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()

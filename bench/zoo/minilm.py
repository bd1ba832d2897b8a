"""all-MiniLM-L6-v2 as ONNX, from its published weights: python minilm.py FOLDER OUTPUT. Also its tokens of sentences.

The graph is BERT's (Devlin et al., 2018) as PyTorch's exporter writes it: decomposed LayerNorm, GELU by Erf, attention by MatMul and
Softmax; behind it the mean over the tokens, as the model's card states.
"""

import inspect
import json
import pathlib
import re
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.count = weights, [], {}, 0

    def constant(self, name, value):
        self.constants.setdefault(name, numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def weight(self, name, transposed=False):
        value = self.weights[name]
        return self.constant(f"{name}.T" if transposed else name, value.T if transposed else value)

    def add(self, op, *inputs, **attributes):
        self.count += 1
        output = f"t{self.count}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=f"{op}_{self.count}", **attributes))
        return output

    def dense(self, x, name):
        product = self.add("MatMul", x, self.weight(f"{name}.weight", transposed=True))
        return self.add("Add", self.weight(f"{name}.bias"), product)

    def norm(self, x, name, epsilon):
        centred = self.add("Sub", x, self.add("ReduceMean", x, axes=[-1]))
        variance = self.add("ReduceMean", self.add("Pow", centred, self.constant("two", np.float32(2))), axes=[-1])
        safe = self.add("Add", variance, self.constant("epsilon", np.float32(epsilon)))
        scaled = self.add("Mul", self.add("Div", centred, self.add("Sqrt", safe)), self.weight(f"{name}.weight"))
        return self.add("Add", scaled, self.weight(f"{name}.bias"))

    def gelu(self, x):
        erf = self.add("Erf", self.add("Div", x, self.constant("root2", np.float32(2**0.5))))
        product = self.add("Mul", x, self.add("Add", erf, self.constant("one", np.float32(1))))
        return self.add("Mul", product, self.constant("half", np.float32(0.5)))


def build(folder):
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text())
    weights = {name.removeprefix("bert."): value for name, value in load_file(folder / "model.safetensors").items()}
    heads, size = config["num_attention_heads"], config["hidden_size"] // config["num_attention_heads"]
    epsilon, graph = config["layer_norm_eps"], Graph(weights)
    shape = graph.constant("heads", np.array([0, 0, heads, size], np.int64))
    length = graph.add("Gather", graph.add("Shape", "input_ids"), graph.constant("at1", np.int64(1)))
    axis = graph.constant("axis0", np.array([0], np.int64))
    end = graph.add("Unsqueeze", length, axis)
    positions = graph.add("Slice", graph.weight("embeddings.position_embeddings.weight"), axis, end)
    words = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    kind = graph.constant("kind", weights["embeddings.token_type_embeddings.weight"][0])
    x = graph.norm(graph.add("Add", graph.add("Add", words, positions), kind), "embeddings.LayerNorm", epsilon)
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    absent = graph.add("Sub", graph.constant("one", np.float32(1)), mask)
    hidden = graph.add("Mul", absent, graph.constant("lowest", np.float32(-10000)))
    hidden = graph.add("Unsqueeze", hidden, graph.constant("axes12", np.array([1, 2], np.int64)))
    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"

        def split(part, perm):
            made = graph.dense(x, f"{name}.attention.self.{part}")
            return graph.add("Transpose", graph.add("Reshape", made, shape), perm=perm)

        scores = graph.add("MatMul", split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]))
        scores = graph.add("Div", scores, graph.constant("root", np.float32(size**0.5)))
        shares = graph.add("Softmax", graph.add("Add", scores, hidden), axis=-1)
        context = graph.add("MatMul", shares, split("value", [0, 2, 1, 3]))
        context = graph.add("Transpose", context, perm=[0, 2, 1, 3])
        context = graph.add("Reshape", context, graph.constant("joined", np.array([0, 0, heads * size], np.int64)))
        attended = graph.dense(context, f"{name}.attention.output.dense")
        x = graph.norm(graph.add("Add", attended, x), f"{name}.attention.output.LayerNorm", epsilon)
        inner = graph.gelu(graph.dense(x, f"{name}.intermediate.dense"))
        x = graph.norm(graph.add("Add", graph.dense(inner, f"{name}.output.dense"), x), f"{name}.output.LayerNorm", epsilon)
    graph.nodes.append(helper.make_node("ReduceMean", [x], ["embedding"], name="pool", axes=[1], keepdims=0))
    values = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "sequence"]) for n in ("input_ids", "attention_mask")]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", config["hidden_size"]])
    built = helper.make_graph(graph.nodes, "minilm", values, [output], list(graph.constants.values()))
    return helper.make_model(built, opset_imports=[helper.make_opsetid("", 14)], ir_version=8, producer_name="minilm.py")


def sentences(vocabulary, count):
    """Token numbers of sentences of Python's documentation, by WordPiece (longest match first)."""
    words = {word: index for index, word in enumerate(vocabulary.read_text(encoding="utf8").split("\n"))}
    text = " ".join(filter(None, (inspect.getdoc(each) for each in (pathlib, re, json, inspect, shutil, np, np.ndarray, np.einsum))))
    rows = []
    for sentence in re.split(r"(?<=[.:])\s+", text.lower()):
        numbers = []
        for word in re.findall(r"\w+|[^\w\s]", sentence):
            start = 0
            while start < len(word):
                end = next((e for e in range(len(word), start, -1) if ("##" if start else "") + word[start:e] in words), None)
                if end is None:
                    numbers.append(words["[UNK]"])
                    break
                numbers.append(words[("##" if start else "") + word[start:end]])
                start = end
        if len(numbers) >= 8:
            rows.append((numbers + numbers * 4)[:30])
    return [np.array([words["[CLS]"], *row, words["[SEP]"]], np.int64) for row in rows[:count]]


if __name__ == "__main__":
    folder, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    onnx.save(build(folder), output)
    shutil.copy(folder / "vocab.txt", output.with_name("vocab.txt"))

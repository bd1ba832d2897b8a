"""Trains the residual network of this example and writes resnet.onnx.

Needs: pip install jax scikit-learn onnx   (any recent versions; the committed file was made with jax 0.10, onnx 1.23)
Data: Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998), UCI Machine Learning Repository, CC BY 4.0,
as scikit-learn ships it. The split is that of ../digits/train.py, whose data/ this example reads: the validation images
there are not trained on here either.
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

HERE = pathlib.Path(__file__).parent
SEED = 7
EPOCHS = 24
BATCH = 64
CHANNELS = 96
BLOCKS = 3
MOMENTUM = 0.9
EPSILON = 1e-5


def initialize(key):
    """Weights of every Conv with its BatchNormalization, and of the classifier; running statistics apart."""
    convs = {"stem": 1} | {f"block{i}/{part}": CHANNELS for i in range(BLOCKS) for part in ("first", "second")}
    params, state = {}, {}
    for name, inner in convs.items():
        key, sub = jax.random.split(key)
        spread = np.sqrt(2 / (inner * 9))
        # The second of a block starts at zero: an identity, which trains well.
        gamma = jnp.zeros(CHANNELS) if name.endswith("second") else jnp.ones(CHANNELS)
        params[name] = {
            "weight": jax.random.normal(sub, (CHANNELS, inner, 3, 3)) * spread,
            "gamma": gamma,
            "beta": jnp.zeros(CHANNELS),
        }
        state[name] = {"mean": jnp.zeros(CHANNELS), "var": jnp.ones(CHANNELS)}
    params["classifier"] = {"weight": jax.random.normal(key, (CHANNELS, 10)) * 0.05, "bias": jnp.zeros(10)}
    return params, state


def forward(params, state, x, training):
    new = {}

    def conv(name, x):
        p, s = params[name], state[name]
        x = jax.lax.conv_general_dilated(x, p["weight"], (1, 1), [(1, 1), (1, 1)])
        mean, var = (x.mean((0, 2, 3)), x.var((0, 2, 3))) if training else (s["mean"], s["var"])
        new[name] = {k: MOMENTUM * s[k] + (1 - MOMENTUM) * v for k, v in (("mean", mean), ("var", var))}
        scale = p["gamma"] / jnp.sqrt(var + EPSILON)
        return x * scale[:, None, None] + (p["beta"] - mean * scale)[:, None, None]

    x = jax.nn.relu(conv("stem", x))
    for i in range(BLOCKS):
        y = jax.nn.relu(conv(f"block{i}/first", x))
        x = jax.nn.relu(x + conv(f"block{i}/second", y))
    return x.mean((2, 3)) @ params["classifier"]["weight"] + params["classifier"]["bias"], new


def loss_of(params, state, x, y):
    logits, new = forward(params, state, x, True)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1)
    decay = sum((p["weight"] ** 2).sum() for p in params.values())
    return -chosen.mean() + 2e-4 * decay, new


@jax.jit
def step(params, state, velocity, x, y, rate):
    (_, state), gradient = jax.value_and_grad(loss_of, has_aux=True)(params, state, x, y)
    velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, gradient)
    return jax.tree.map(lambda p, v: p - rate * v, params, velocity), state, velocity


def train(x, y):
    params, state = initialize(jax.random.PRNGKey(SEED))
    velocity = jax.tree.map(jnp.zeros_like, params)
    random = np.random.default_rng(SEED)
    for epoch in range(EPOCHS):
        order = random.permutation(len(x))
        rate = 0.05 * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            moved = np.roll(x[chosen], random.integers(-1, 2, 2), (2, 3))
            params, state, velocity = step(params, state, velocity, moved, y[chosen], rate)
        print("epoch", epoch + 1, "of", EPOCHS, flush=True)
    return params, state


def export(params, state, path):
    nodes, tensors = [], []

    def constant(name, values):
        tensors.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def node(op, inputs, output, name, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name, **attributes))
        return output

    def conv(name, x):
        p, s = params[name], state[name]
        y = node("Conv", [x, constant(f"{name}.weight", p["weight"])], f"/{name}/conv", f"/{name}/Conv",
                 kernel_shape=[3, 3], pads=[1] * 4)
        parts = [constant(f"{name}.{k}", v) for k, v in
                 (("gamma", p["gamma"]), ("beta", p["beta"]), ("mean", s["mean"]), ("var", s["var"]))]
        return node("BatchNormalization", [y, *parts], f"/{name}/norm", f"/{name}/BatchNormalization", epsilon=EPSILON)

    x = node("Relu", [conv("stem", "image")], "/stem/relu", "/stem/Relu")
    for i in range(BLOCKS):
        y = node("Relu", [conv(f"block{i}/first", x)], f"/block{i}/first/relu", f"/block{i}/first/Relu")
        x = node("Add", [x, conv(f"block{i}/second", y)], f"/block{i}/sum", f"/block{i}/Add")
        x = node("Relu", [x], f"/block{i}/relu", f"/block{i}/Relu")
    x = node("GlobalAveragePool", [x], "/pool", "/pool/GlobalAveragePool")
    x = node("Flatten", [x], "/features", "/pool/Flatten")
    c = params["classifier"]
    node("Gemm", [x, constant("classifier.weight", c["weight"]), constant("classifier.bias", c["bias"])],
         "logits", "/classifier/Gemm")
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        tensors,
    )
    model = helper.make_model(graph, producer_name="quantsmith-resnet-example",
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main():
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.images))
    x = (digits.images[order][:, None] / 16).astype(np.float32)
    y = digits.target[order].astype(np.int64)
    trained, held_out = slice(0, 1197), slice(1197, None)
    params, state = train(x[trained], y[trained])
    logits, _ = forward(params, state, x[held_out], False)
    print("held-out accuracy", float((logits.argmax(1) == y[held_out]).mean()), "of", len(y[held_out]))
    export(params, state, HERE / "resnet.onnx")


if __name__ == "__main__":
    main()

"""Trains the network of this example and writes digits.onnx and data/.

Needs: pip install jax scikit-learn onnx   (any recent versions; the committed files were made with jax 0.9, onnx 1.21)
Data: Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998), UCI Machine Learning Repository, CC BY 4.0,
as scikit-learn ships it: 1797 images of 8×8 pixels with values 0 to 16.
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
EPOCHS = 60
BATCH = 64
MOMENTUM = 0.9
EPSILON = 1e-5

# name: (output channels, input channels per group, kernel, groups)
CONVS = {
    "stem": (16, 1, 3, 1),
    "separable/depthwise": (16, 1, 3, 16),
    "separable/pointwise": (32, 16, 1, 1),
    "residual/first": (32, 32, 3, 1),
    "residual/second": (32, 32, 3, 1),
}


def initialize(key):
    params, state = {}, {}
    for name, (out, inner, size, _) in CONVS.items():
        key, sub = jax.random.split(key)
        spread = np.sqrt(2 / (inner * size * size))
        params[name] = {
            "weight": jax.random.normal(sub, (out, inner, size, size)) * spread,
            "gamma": jnp.ones(out),
            "beta": jnp.zeros(out),
        }
        state[name] = {"mean": jnp.zeros(out), "var": jnp.ones(out)}
    key, sub = jax.random.split(key)
    params["classifier"] = {"weight": jax.random.normal(sub, (32, 10)) * 0.1, "bias": jnp.zeros(10)}
    return params, state


def conv_norm(params, state, name, x, training):
    _, _, size, groups = CONVS[name]
    pad = size // 2
    p, s = params[name], state[name]
    x = jax.lax.conv_general_dilated(
        x, p["weight"], (1, 1), [(pad, pad), (pad, pad)], feature_group_count=groups
    )
    mean, var = (x.mean((0, 2, 3)), x.var((0, 2, 3))) if training else (s["mean"], s["var"])
    new = {k: MOMENTUM * s[k] + (1 - MOMENTUM) * v for k, v in (("mean", mean), ("var", var))}
    scale = p["gamma"] / jnp.sqrt(var + EPSILON)
    return x * scale[:, None, None] + (p["beta"] - mean * scale)[:, None, None], new


def forward(params, state, x, training):
    new = {}

    def block(name, x):
        y, new[name] = conv_norm(params, state, name, x, training)
        return y

    x = jax.nn.relu(block("stem", x))
    x = jax.nn.relu(block("separable/depthwise", x))
    x = jax.nn.relu(block("separable/pointwise", x))
    y = jax.nn.relu(block("residual/first", x))
    x = jax.nn.relu(x + block("residual/second", y))
    x = x.mean((2, 3))
    return x @ params["classifier"]["weight"] + params["classifier"]["bias"], new


def loss_of(params, state, x, y):
    logits, new = forward(params, state, x, True)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1)
    decay = sum((p["weight"] ** 2).sum() for p in params.values())
    return -chosen.mean() + 1e-4 * decay, new


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
    return params, state


def export(params, state, path):
    nodes, tensors = [], []

    def constant(name, values):
        tensors.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def node(op, inputs, output, name, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name, **attributes))
        return output

    def block(name, x, relu=True):
        _, _, size, groups = CONVS[name]
        p, s = params[name], state[name]
        pad = size // 2
        y = node("Conv", [x, constant(f"{name}.weight", p["weight"])], f"/{name}/conv", f"/{name}/Conv",
                 kernel_shape=[size, size], pads=[pad] * 4, group=groups)
        parts = [constant(f"{name}.{k}", v) for k, v in
                 (("gamma", p["gamma"]), ("beta", p["beta"]), ("mean", s["mean"]), ("var", s["var"]))]
        y = node("BatchNormalization", [y, *parts], f"/{name}/norm", f"/{name}/BatchNormalization", epsilon=EPSILON)
        return node("Relu", [y], f"/{name}/relu", f"/{name}/Relu") if relu else y

    x = block("stem", "image")
    x = block("separable/depthwise", x)
    x = block("separable/pointwise", x)
    y = block("residual/first", x)
    y = block("residual/second", y, relu=False)
    x = node("Add", [x, y], "/residual/sum", "/residual/Add")
    x = node("Relu", [x], "/residual/relu", "/residual/Relu")
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
    model = helper.make_model(graph, producer_name="quantsmith-digits-example",
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main():
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.images))
    images = digits.images[order].astype(np.uint8)
    labels = digits.target[order].astype(np.int64)
    trained, held_out = slice(0, 1197), slice(1197, None)
    x = (images[:, None] / 16).astype(np.float32)
    params, state = train(x[trained], labels[trained])
    logits, _ = forward(params, state, x[held_out], False)
    print("held-out accuracy", float((logits.argmax(1) == labels[held_out]).mean()), "of", len(labels[held_out]))
    export(params, state, HERE / "digits.onnx")
    # Calibration needs no labels and may come from the training images; validation must not.
    np.save(HERE / "data" / "calibration.npy", images[trained][:300])
    np.save(HERE / "data" / "validation.npy", images[held_out])
    np.save(HERE / "data" / "validation-labels.npy", labels[held_out])


if __name__ == "__main__":
    main()

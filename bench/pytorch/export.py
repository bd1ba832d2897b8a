"""Trains the network of docs/tutorial.md in PyTorch and exports it to digits.onnx.

Needs: pip install torch onnxscript scikit-learn   (the committed file was made with torch 2.15, onnxscript 0.7, on a CPU)
Data: Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998), UCI Machine Learning Repository, CC BY 4.0,
as scikit-learn ships it. The split is that of examples/digits, whose calibration and validation samples the tutorial uses.
"""

import pathlib

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

HERE = pathlib.Path(__file__).parent
SEED = 7
EPOCHS = 14
BATCH = 64
CHANNELS = 64
TRAINED = 1197


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(CHANNELS)
        self.second = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(CHANNELS)

    def forward(self, x):
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(x + self.second_norm(self.second(y)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, CHANNELS, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(CHANNELS)
        self.blocks = nn.Sequential(Block(), Block(), Block())
        self.classifier = nn.Linear(CHANNELS, 10)

    def forward(self, image):
        x = self.blocks(torch.relu(self.stem_norm(self.stem(image))))
        return self.classifier(x.mean((2, 3)))


def train(net, images, labels):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    net.train()
    for epoch in range(EPOCHS):
        for chosen in torch.randperm(len(images)).split(BATCH):
            moved = torch.roll(images[chosen], torch.randint(-1, 2, (2,)).tolist(), (2, 3))
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(moved), labels[chosen]).backward()
            optimizer.step()
        schedule.step()
        print("epoch", epoch + 1, "of", EPOCHS, flush=True)


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.images))
    images = torch.from_numpy((digits.images[order][:, None] / 16).astype(np.float32))
    labels = torch.from_numpy(digits.target[order].astype(np.int64))

    net = Net()
    train(net, images[:TRAINED], labels[:TRAINED])
    net.eval()
    with torch.no_grad():
        right = (net(images[TRAINED:]).argmax(1) == labels[TRAINED:]).sum().item()
    print(f"{right} of {len(images) - TRAINED} held-out images right")

    path = str(HERE / "digits.onnx")
    # The page has these lines, for a file called model.onnx.
    torch.onnx.export(
        net.eval(),
        (torch.zeros(1, 1, 8, 8),),
        path,
        input_names=["image"],
        output_names=["logits"],
        dynamic_shapes={"image": {0: "batch"}},
        external_data=False,
    )


if __name__ == "__main__":
    main()

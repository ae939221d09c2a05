"""A small convolutional classifier: the judge of generated pictures, and a learnt feature space.

Trained in about a minute on two cores from arrays and labels; the same seed gives the same judge.
Its features are the activations before the last layer. Knows no codec and no file.
Shape legend: N pictures, C channels, K classes, F = WIDTH features.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genloom.errors import DataError

WIDTH = 128
BATCH = 128
CHUNK = 1024
FORMAT = torch.channels_last  # 380 against 510 microseconds a picture of 28 x 28 on two cores
SHIFT = 2  # pixels by which a batch is moved at random while training


class Classifier(nn.Module):
    """Pictures [N, C, H, W] within [-1, 1], sides of 8 or more, to logits [N, K]."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 32, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),  # keeps where things are, at any size of picture
            nn.Flatten(),
            nn.Linear(64 * 16, WIDTH, bias=False),
            nn.BatchNorm1d(WIDTH),
            nn.ReLU(),
        )
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """float [N, F], in evaluation mode."""
        return self._in_chunks(self.body, x)

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """long [N], the likeliest class of each picture."""
        return self._in_chunks(self, x).argmax(1)

    def accuracy(self, x: Tensor, labels: Tensor) -> float:
        """The share of pictures whose class is the one given."""
        return float((self.predict(x) == labels.cpu()).double().mean())

    def _in_chunks(self, part: nn.Module, x: Tensor) -> Tensor:
        was, device = self.training, self.head.weight.device
        self.eval()
        chunks = (c.to(device, torch.float32, memory_format=FORMAT) for c in x.split(CHUNK))
        out = [part(chunk).cpu() for chunk in chunks]
        self.train(was)
        return torch.cat(out)


def train_classifier(
    x: Tensor, labels: Tensor, *, classes: int | None = None, seed: int = 0, shown: int = 75_000
) -> Classifier:
    """A classifier of pictures [N, C, H, W] with labels long [N] below `classes`.

    shown: pictures seen in training, repeats counted; at least 50 batches are taken.
    Measured on MNIST, the last 10,000 held out: 0.989 for 60,000 shown, 0.992 for 100,000.
    """
    classes = _checked(x, labels, classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier(x.shape[1], classes)
        model.to(memory_format=FORMAT)  # pyrefly: ignore[no-matching-overload]
    rng = torch.Generator().manual_seed(seed)
    steps = max(50, shown // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=steps)
    model.train()
    for rows in _rows(len(x), steps, rng):
        images = moved(x[rows].float(), SHIFT, rng)
        loss = F.cross_entropy(model(images), labels[rows], label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def _checked(x: Tensor, labels: Tensor, classes: int | None) -> int:
    if x.dim() != 4 or labels.shape != x.shape[:1] or len(x) < 2:
        shapes = f"{tuple(x.shape)} and {tuple(labels.shape)}"
        raise DataError(f"expected pictures [N, C, H, W] and labels [N], N >= 2, not {shapes}")
    highest = int(labels.max())
    classes = classes or highest + 1
    if int(labels.min()) < 0 or highest >= classes:
        raise DataError(f"labels reach from {int(labels.min())} to {highest} for {classes} classes")
    return classes


def _rows(count: int, steps: int, rng: torch.Generator) -> Iterator[Tensor]:
    """Batches of row numbers, every picture once before any comes again."""
    batch, order = min(BATCH, count), torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < batch:
            order = torch.cat([order, torch.randperm(count, generator=rng)])
        yield order[:batch]
        order = order[batch:]


def moved(x: Tensor, most: int, rng: torch.Generator) -> Tensor:
    """The whole batch moved by the same few pixels, at most so many, its edge repeated."""
    down, right = torch.randint(0, 2 * most + 1, (2,), generator=rng).tolist()
    padded = F.pad(x, (most,) * 4, mode="replicate")
    cut = padded[:, :, down : down + x.shape[2], right : right + x.shape[3]]
    return cut.contiguous(memory_format=FORMAT)

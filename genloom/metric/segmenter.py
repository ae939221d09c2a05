"""A small convolutional segmenter: what labelled pictures, real or made, teach about real ones.

Trained in about a minute on two cores from arrays and masks; the same seed gives the same one.
Knows no codec and no file.
Shape legend: N pictures, C channels, H rows, W columns, K classes; 0 is the background.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genloom.errors import DataError

WIDTH = 24
BATCH = 32
CHUNK = 256
FORMAT = torch.channels_last


class Segmenter(nn.Module):
    """Pictures [N, C, H, W] within [-1, 1] to logits [N, 1 + K, H, W]: three scales with bridges
    between those going down and up (Ronneberger et al. 2015)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        sizes = (WIDTH, 2 * WIDTH, 4 * WIDTH)
        self.down = nn.ModuleList()
        before = channels
        for size in sizes:
            self.down.append(_pair(before, size))
            before = size
        self.up = nn.ModuleList(
            [_pair(sizes[2] + sizes[1], sizes[1]), _pair(sizes[1] + sizes[0], sizes[0])]
        )
        self.head = nn.Conv2d(sizes[0], 1 + classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen: list[Tensor] = []
        for stage in self.down:
            x = stage(F.avg_pool2d(x, 2, ceil_mode=True) if seen else x)
            seen.append(x)
        for stage, bridge in zip(self.up, (seen[1], seen[0]), strict=True):
            x = F.interpolate(x, bridge.shape[-2:], mode="nearest")
            x = stage(torch.cat([x, bridge], 1))
        return self.head(x)

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """long [N, H, W], the likeliest class of each pixel."""
        self.eval()
        parts = [self(c.float().contiguous(memory_format=FORMAT)) for c in x.split(CHUNK)]
        return torch.cat([part.argmax(1) for part in parts])


def _pair(before: int, after: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [
            nn.Conv2d(channels, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)


def train_segmenter(
    x: Tensor, masks: Tensor, *, classes: int, seed: int = 0, shown: int = 20_000
) -> Segmenter:
    """A segmenter of pictures [N, C, H, W] with masks long [N, H, W] of numbers up to `classes`.

    shown: pictures seen in training, repeats counted; at least 50 batches. Rare classes weigh more,
    by the root of their rarity, up to tenfold.
    """
    if x.dim() != 4 or masks.shape != (len(x), *x.shape[2:]) or len(x) < 2:
        shapes = f"{tuple(x.shape)} and {tuple(masks.shape)}"
        raise DataError(f"expected pictures [N, C, H, W] and masks [N, H, W], N >= 2, not {shapes}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Segmenter(x.shape[1], classes)
        model.to(memory_format=FORMAT)  # pyrefly: ignore[no-matching-overload]
    rng = torch.Generator().manual_seed(seed)
    steps, weight = max(50, shown // BATCH), _weights(masks, classes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=steps)
    model.train()
    for rows in _rows(len(x), steps, rng):
        pictures, wanted = x[rows].float(), masks[rows]
        if torch.rand((), generator=rng) < 0.5:
            pictures, wanted = pictures.flip(-1), wanted.flip(-1)
        out = model(pictures.contiguous(memory_format=FORMAT))
        loss = F.cross_entropy(out, wanted, weight=weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def _weights(masks: Tensor, classes: int) -> Tensor:
    share = masks.flatten().bincount(minlength=1 + classes).float() / masks.numel()
    return (share.max() / share.clamp(min=1e-6)).sqrt().clamp(max=10.0)


def _rows(count: int, steps: int, rng: torch.Generator) -> Iterator[Tensor]:
    """Batches of row numbers, every picture once before any comes again."""
    batch, order = min(BATCH, count), torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < batch:
            order = torch.cat([order, torch.randperm(count, generator=rng)])
        yield order[:batch]
        order = order[batch:]


def overlaps(found: Tensor, masks: Tensor, classes: int) -> list[float | None]:
    """Intersection over union of each class 0 to `classes`, over all pixels together (Everingham
    et al. 2010); None for a class that is neither found nor there."""
    out: list[float | None] = []
    for number in range(1 + classes):
        a, b = found == number, masks == number
        union = int((a | b).sum())
        out.append(int((a & b).sum()) / union if union else None)
    return out


def mean_overlap(found: Tensor, masks: Tensor, classes: int) -> float:
    """The mean over the classes that are found or there, the background among them."""
    known = [value for value in overlaps(found, masks, classes) if value is not None]
    return sum(known) / len(known)

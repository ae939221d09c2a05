"""A judge of whether a picture shows what a caption says: two small encoders taught side by side.

Pictures and captions that belong together are drawn to each other, all others pushed apart
(symmetric InfoNCE; Radford et al. 2021, figure 3). Trained in minutes on a laptop from the user's
own real pictures; the same seed gives the same judge. Knows no codec and no file.
Shape legend: N pictures, C channels, H rows, W columns, V words, F = WIDTH features.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genloom.errors import DataError
from genloom.metric.classifier import Classifier, moved

WIDTH = 128
BATCH = 256
CHUNK = 1024
SHIFT = 3  # pixels by which a batch is moved at random while training
DROPPED = 0.3  # of a caption's words, at random while training
WORD = re.compile(r"\w+", re.UNICODE)


class TextImage(nn.Module):
    """Scores pictures [N, C, H, W] within [-1, 1] against captions of known words."""

    def __init__(self, channels: int, words: Sequence[str]) -> None:
        super().__init__()
        self.words = {word: n for n, word in enumerate(words)}
        self.see = Classifier(channels, WIDTH)
        self.embed = nn.EmbeddingBag(len(words), WIDTH, mode="mean")
        self.say = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH)
        )
        self.scale = nn.Parameter(torch.tensor(2.5))  # log of the inverse temperature

    def of_pictures(self, x: Tensor) -> Tensor:
        """[N, F] of length one."""
        return F.normalize(self.see(x), dim=1)

    def of_captions(self, captions: Sequence[Sequence[int]]) -> Tensor:
        """[N, F] of length one, of word numbers; a caption without known words has none but the
        head's own."""
        flat = torch.tensor([n for caption in captions for n in caption], dtype=torch.long)
        sizes = torch.tensor([0, *(len(caption) for caption in captions)])
        words = self.embed(flat, sizes.cumsum(0)[:-1])
        return F.normalize(words + self.say(words), dim=1)

    def numbers(self, caption: str) -> list[int]:
        return [self.words[w] for w in split(caption) if w in self.words]

    @torch.no_grad()
    def score(self, x: Tensor, captions: Sequence[str]) -> Tensor:
        """float [N, captions], the cosine of each picture with each caption."""
        self.eval()
        seen = torch.cat([self.of_pictures(part.float()) for part in x.split(CHUNK)])
        return seen @ self.of_captions([self.numbers(c) for c in captions]).T


def split(caption: str) -> list[str]:
    return WORD.findall(caption.lower())


def train_text_image(
    x: Tensor, captions: Sequence[str], *, seed: int = 0, shown: int = 150_000
) -> TextImage:
    """The judge taught by pictures [N, C, H, W] and their captions. DataError where there is
    nothing to tell apart.

    Words of a single caption teach nothing about others and are left out.
    """
    words = _words(captions)
    if len(x) != len(captions) or len(set(captions)) < 4 or len(words) < 2:
        raise DataError(
            f"{len(x)} pictures with {len(set(captions))} captions of {len(words)} common words: "
            "one caption a picture, four distinct ones and two words are needed"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TextImage(x.shape[1], words)
        rng = torch.Generator().manual_seed(seed)
        numbers = [model.numbers(caption) for caption in captions]
        _teach(model, x, numbers, max(50, shown // BATCH), rng)
    return model.eval()


def _words(captions: Sequence[str]) -> list[str]:
    """Those of two captions or more, but none that every caption has: commonest first."""
    distinct = sorted(set(captions))
    counts = Counter(word for caption in distinct for word in set(split(caption)))
    kept = [(-n, word) for word, n in counts.items() if 1 < n < len(distinct)]
    return [word for _, word in sorted(kept)]


def _teach(
    model: TextImage, x: Tensor, numbers: list[list[int]], steps: int, rng: torch.Generator
) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps)
    same = _twins(numbers)
    model.train()
    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < min(BATCH, len(x)):
            order = torch.cat([order, torch.randperm(len(x), generator=rng)])
        rows, order = order[:BATCH], order[BATCH:]
        seen = model.of_pictures(moved(x[rows].float(), SHIFT, rng))
        said = model.of_captions([_fewer(numbers[n], rng) for n in rows.tolist()])
        loss = _contrast(seen @ said.T * model.scale.exp().clamp(max=50), same[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()


def _twins(numbers: list[list[int]]) -> Tensor:
    """long [N]: the same number for the same words, since twins are no strangers."""
    kinds: dict[tuple[int, ...], int] = {}
    return torch.tensor([kinds.setdefault(tuple(n), len(kinds)) for n in numbers])


def _contrast(logits: Tensor, kind: Tensor) -> Tensor:
    """Cross-entropy both ways; pairs of one kind share what is right."""
    right = (kind[:, None] == kind).float()
    target = right / right.sum(1, keepdim=True)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def _fewer(numbers: list[int], rng: torch.Generator) -> list[int]:
    """Without some of the words, but never without all."""
    keep = torch.rand(len(numbers), generator=rng) >= DROPPED
    return [n for n, kept in zip(numbers, keep.tolist(), strict=True) if kept] or numbers


def retrieval(scores: Tensor, right: Tensor, most: int = 10) -> float:
    """The share of rows of `scores` [N, captions] whose right caption, long [N], is among the
    `most` best; of equals, those before the right one count as better."""
    own = scores.gather(1, right[:, None])
    better = (scores > own).sum(1) + ((scores == own).sum(1) - 1)
    return float((better < most).double().mean())

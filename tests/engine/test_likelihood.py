"""Likelihoods of continuations: against the family's own score, however much is shared or cut."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from toys import MADE, shaken

from genloom.engine.likelihood import likelihoods
from genloom.engine.reading import Reader
from genloom.model import Model
from genloom.spec import Batch

LENGTH = 128


@pytest.fixture(scope="module", params=["plain", "pairs"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    changes = [f"codec.length={LENGTH}", "net.net.depth=1"]
    changes += ["net.net.bigram=64"] if request.param == "pairs" else []
    return shaken(MADE["text"]().with_(*changes), Path(tmp_path_factory.mktemp("toy")))


def asked(vocab: int) -> list[tuple[list[int], list[int]]]:
    """Contexts with a beginning in common and without, short and longer than the model's, each with
    several continuations."""
    rng = random.Random(0)

    def some(count: int) -> list[int]:
        return [rng.randrange(2, vocab) for _ in range(count)]

    shared, out = some(70), []
    for n in range(10):
        context = (shared if n % 3 else []) + some(rng.randrange(1, 120 if n % 5 == 0 else 20))
        out += [
            (context, some(rng.choice((1, 1, 5, 60, 140)))) for _ in range(rng.choice((1, 2, 4)))
        ]
    return out


def slow(model: Model, context: list[int], ids: list[int]) -> float:
    """The family's score of the last ids that fit, the rest as their context."""
    x = torch.tensor((context + ids)[-LENGTH - 1 :])[None]
    weight = torch.zeros(x.shape)
    weight[:, -min(len(ids), LENGTH) :] = 1
    return float(model.family.score(model.nets, Batch(spec=model.codec.spec, x=x, weight=weight)))


def test_they_are_the_family_s_and_independent_of_pieces(model: Model) -> None:
    pairs = asked(model.codec.spec.vocab)
    heard: list[int] = []
    with Reader(model) as reader:
        found = likelihoods(reader, pairs, heard.append)
        assert reader.memory.used == 0
    assert heard[-1] == len(pairs) and heard == sorted(heard)
    for (context, ids), one in zip(pairs, found, strict=True):
        assert one.logprob == pytest.approx(slow(model, context, ids), rel=1e-4, abs=1e-3)
        assert one.cut == max(0, len(context) + len(ids) - LENGTH - 1)
        assert one.ids == min(len(ids), LENGTH)
    with Reader(model) as reader:
        reader.memory.budget = 45
        cut = likelihoods(reader, pairs)
    told = [[one.logprob for one in some] for some in (found, cut)]
    assert told[0] == pytest.approx(told[1], rel=1e-5, abs=1e-4)


def test_what_is_shared_is_read_once(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = [2 + n % 200 for n in range(96)]
    pairs = [([*begin, 5 + n], [7, 8 + k]) for n in range(6) for k in range(3)]
    fed = []
    with Reader(model) as reader:
        feed = reader.feed
        monkeypatch.setattr(
            reader, "feed", lambda runs, *rest: fed.extend(map(len, runs)) or feed(runs, *rest)
        )
        likelihoods(reader, pairs)
    # 96 ids once, then of each context its own last id, behind which all its ends part
    assert sum(fed) == 96 + 6 * 2


def test_greedy_is_the_likeliest_run(model: Model) -> None:
    context = [5, 9, 33]
    with Reader(model) as reader:
        ids: list[int] = []
        for _ in range(4):
            hidden = next(reader.hidden([context + ids]))
            ids.append(int(reader.net.logits(hidden[-1:]).argmax()))
        other = [ids[0], (ids[1] + 1) % model.codec.spec.vocab, *ids[2:]]
        found = likelihoods(reader, [(context, ids), (context, other)])
    assert [one.greedy for one in found] == [True, False]

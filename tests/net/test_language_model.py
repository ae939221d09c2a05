"""What stands before and behind the stack: losses in one piece, value embeddings, dropout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from toys import MADE, job, shaken

from genloom.engine.engine import Engine
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.spec import Options, Request, TokenSpec

SPEC = TokenSpec(vocab=40, length=16, bos=0, eos=0, pad=1)


def net(**more: Any) -> LanguageModel:
    torch.manual_seed(0)
    made = LanguageModel(LanguageModelConfig(width=32, depth=2, heads=2, **more), SPEC, None)
    with torch.no_grad():
        for p in made.parameters():
            p.add_(0.2 * torch.randn(p.shape))
    return made.eval()


def asked() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    ids = torch.randint(40, (3, 11), generator=torch.Generator().manual_seed(1))
    return ids[:, :-1], ids[:, 1:], torch.arange(10)[None, :, None]


def test_targets_make_losses_of_the_same_logits() -> None:
    for more in ({}, {"tied": True}, {"softcap": 0.0}):
        made = net(**more)
        ids, targets, position = asked()
        logits = made.logits(made(ids, position, made.attention(None)))
        known = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        told = made(ids, position, made.attention(None), None, None, targets)
        torch.testing.assert_close(told.flatten(), known)


def test_value_embeddings_stand_in_every_so_many_layers_from_the_last_down() -> None:
    made = net(valued=2)
    assert made.values is not None and list(made.values) == ["1"]
    ids, _, position = asked()
    before = made(ids, position, made.attention(None))
    made.values["1"].weight.data[ids[0, 4]] += 1.0
    change = (made(ids, position, made.attention(None)) - before).abs().sum(-1)[0]
    assert bool((change[:4] < 1e-6).all() | (ids[0, :4] == ids[0, 4]).any()) and change[4] > 1e-3


def test_dropout_acts_in_training_alone_and_follows_the_seed() -> None:
    made = net(dropout=0.5)
    ids, _, position = asked()

    def run(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return made(ids, position, made.attention(None))

    assert torch.equal(run(0), run(1))
    made.train()
    assert torch.equal(run(0), run(0)) and not torch.equal(run(0), run(1))


def test_every_trick_serves_over_pages_as_over_rows(tmp_path: Path) -> None:
    """Greedy text of the engine is that of the net asked for the whole text each time."""
    model = shaken(MADE["text with every trick"](), tmp_path)
    ids = [model.codec.spec.bos, *model.codec.encode(["wa"])[0].tolist()]
    made, known = model.nets["net"], len(ids) - 1
    with torch.inference_mode():
        for _ in range(8):
            x = torch.tensor([ids])
            before = torch.cat((x[:, :1], x[:, :-1]), 1)
            position = torch.arange(len(ids))[None, :, None]
            hidden = made(x, position, made.attention(None), before)
            ids.append(int(made.logits(hidden[:, -1]).argmax()))
    options = Options(max_tokens=8, temperature=0.0, ignore_eos=False)
    with Engine(model) as engine:
        running = engine.submit(Request(prompt="wa", options=options))
        running.result()
        told = running.tensors()[0].tolist()
    new = ids[1 + known :]
    new = new[: new.index(0)] if 0 in new else new
    assert told[known : known + len(new)] == new


def test_a_job_trains_with_every_trick(tmp_path: Path) -> None:
    ready = job(MADE["text with every trick"](steps=4), tmp_path)
    shapes = [tuple(ready.loader.batches(step)[0].x.shape) for step in range(4)]
    assert shapes == [(8, 9), (8, 33), (8, 33), (8, 33)]

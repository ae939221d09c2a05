"""Forms of texts, beams and gaps through the engine: beside others, and without a trace left."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from toys import MADE, shaken

from genloom.codec.text.codec import TextCodec
from genloom.codec.text.tokenizer import Policy, PublishedTokenizer
from genloom.engine.beams import Search
from genloom.engine.engine import Engine
from genloom.errors import RequestError, ResourceError
from genloom.model import Model
from genloom.spec import Options, Request

SCHEMA = {
    "type": "object",
    "properties": {"name": {"enum": ["cat", "dog"]}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    recipe = MADE["text"]().with_("codec.length=160", "net.net.depth=2")
    return shaken(recipe, Path(tmp_path_factory.mktemp("toy")))


def test_a_schema_and_an_expression_are_met_beside_free_texts(model: Model) -> None:
    free = Request(prompt="the", seed=4, options=Options(max_tokens=30, ignore_eos=True))
    with Engine(model) as engine:
        alone = engine.submit(free)
        alone.result()
    with Engine(model) as engine:
        shaped = engine.submit(
            Request(prompt=None, count=6, options=Options(schema=SCHEMA, max_tokens=150))
        )
        again = engine.submit(free)
        dates = engine.submit(
            Request(count=5, seed=2, options=Options(regex=r"20\d\d-[01]\d", max_tokens=40))
        )
        for text in shaped.result():
            told = json.loads(text)
            assert told["name"] in ("cat", "dog") and type(told["age"]) is int
        assert all(re.fullmatch(r"20\d\d-[01]\d", text) for text in dates.result())
        again.result()
        assert torch.equal(again.tensors()[0], alone.tensors()[0])
    assert len(set(dates.items())) > 1
    assert {shaped.endings[n].finish for n in range(6)} == {"stop"}


def test_a_form_that_is_broken_is_refused_before_anything_is_made(model: Model) -> None:
    with Engine(model) as engine:
        for options in ({"regex": "("}, {"schema": {"type": "nonsense"}}, {"grammar": "x"}):
            with pytest.raises(RequestError):
                engine.submit(Request(options=Options(**options)))
        assert not engine.open and engine.queue.next(1) is None


@torch.inference_mode()
def slow_beams(model: Model, prompt: str, width: int, most: int) -> list[tuple[list[int], float]]:
    """Every beam computed afresh at every step."""
    spec, net = model.codec.spec, model.nets["net"]
    given = [spec.bos, *model.codec.encode([prompt])[0].tolist()]
    search = Search(width, [spec.eos], most)
    while not search.finished:
        rows = torch.tensor([[*given, *beam] for beam in search.beams])
        place = torch.arange(rows.shape[1])[None, :, None]
        before = torch.cat((rows[:, :1], rows[:, :-1]), 1)
        hidden = net(rows, place.expand(len(rows), -1, -1), net.attention(None), before)
        search.advance(net.logits(hidden[:, -1]).log_softmax(-1))
    return [(list(one.ids), one.score) for one in search.best()]


@pytest.mark.parametrize("width", [1, 3, 5])
def test_beams_are_those_of_the_slow_search(model: Model, width: int) -> None:
    prompt = "the cat sat on the mat. a dog ran in the park."
    request = Request(prompt=prompt, count=width, options=Options(beams=width, max_tokens=12))
    with Engine(model) as engine:
        assert engine.memory is not None
        engine.memory.budget = 20
        generation = engine.submit(request)
        texts = generation.result()
        assert engine.memory.used == 0 and not engine.searches
    wanted = slow_beams(model, prompt, width, 12)
    assert len(texts) == len(wanted) == width
    for n, (ids, score) in enumerate(wanted):
        made = generation.tensors()[n][len(prompt) :].tolist()
        assert made == [i for i in ids if i != model.codec.spec.eos]
        assert generation.endings[n].score == pytest.approx(score, rel=1e-4)
    assert [generation.endings[n].score for n in range(width)] == sorted(
        (generation.endings[n].score for n in range(width)), reverse=True
    )


def test_a_wider_search_finds_nothing_worse_and_others_go_on(model: Model) -> None:
    with Engine(model) as engine:
        best = []
        for width in (1, 4):
            wide = engine.submit(Request(prompt="a", options=Options(beams=width, max_tokens=8)))
            other = engine.submit(Request(prompt="the", options=Options(max_tokens=4)))
            assert len(wide.result()) == 1 and len(other.result()) == 1
            best.append(wide.endings[0].score)
        assert best[1] >= best[0]


def test_a_search_can_be_given_up_and_wrong_ones_are_refused(model: Model) -> None:
    with Engine(model) as engine:
        doomed = engine.submit(Request(prompt="a", options=Options(beams=4, max_tokens=50)))
        for _ in range(3):
            engine.tick()
        assert engine.memory is not None and engine.memory.used > 0
        doomed.cancel()
        assert engine.memory.used == 0 and not engine.searches
        with pytest.raises(RequestError, match="as many at most"):
            engine.submit(Request(count=3, options=Options(beams=2)))
        with pytest.raises(RequestError, match="leave out temperature"):
            engine.submit(Request(options=Options(beams=2, temperature=0.5)))


@pytest.mark.parametrize("pages", [4, 6, 9])
def test_a_text_waits_for_the_pages_of_beams_and_ends_the_same(model: Model, pages: int) -> None:
    free = Request(prompt="the cat", seed=4, options=Options(max_tokens=60, ignore_eos=True))
    with Engine(model) as engine:
        alone = engine.submit(free)
        alone.result()
    room = pages * model.nets["net"].layout().page_bytes
    with Engine(model, memory=room) as engine:
        wide = engine.submit(
            Request(prompt="a dog ran in the park " * 3, options=Options(beams=3, max_tokens=40))
        )
        text = engine.submit(free)
        text.result()
        assert torch.equal(text.tensors()[0], alone.tensors()[0])
        try:
            assert len(wide.result()) == 1
        except ResourceError as error:
            assert "beams do not fit" in str(error) or "pages of keys" in str(error)
        assert engine.memory is not None and engine.memory.used == 0


def test_a_model_without_markers_fills_no_gap(model: Model) -> None:
    with Engine(model) as engine, pytest.raises(RequestError, match="cannot fill a gap"):
        engine.submit(Request(prompt="a", options=Options(suffix="b")))


def test_a_gap_is_filled_between_what_stands_around_it() -> None:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={x: n for n, x in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    markers = ("<eos>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>")
    made.add_special_tokens([AddedToken(name, special=True) for name in markers])
    policy = Policy(size=260, bos=256, eos=256, pad=256, leads=False)
    codec = TextCodec.of(PublishedTokenizer(made.to_str(), policy), 64)
    recipe = MADE["text"]()
    nets = recipe.make_nets(codec.spec, None)
    filler = Model(recipe=recipe, codec=codec, prompt=None, nets=nets)
    request = Request(prompt="def f(", options=Options(suffix=" + 1\n", max_tokens=9))
    with Engine(filler) as engine:
        events = list(generation := engine.submit(request))
    (text,) = generation.items()
    assert text.startswith("def f(") and text.endswith(" + 1\n") and len(text) > 11
    assert events[-1].finished and events[-1].item == text
    assert all(e.item.startswith("def f(") for e in events)
    assert all(not e.item.endswith(" + 1\n") for e in events[:-1])
    assert generation.endings[0].given == 6 + 5 + 3

"""Conversations in the words of another model: its template, its tokens, the assistant's turns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from chat_templates import STYLES, TALKS
from test_chat import imported

from genloom.codec.chat.codec import ChatCodec
from genloom.codec.text.codec import TextCodec
from genloom.errors import RecipeError, RequestError

TALK = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is it?"},
        {"role": "assistant", "content": "It is warm."},
        {"role": "user", "content": "Where?"},
        {"role": "assistant", "content": "In Zürich."},
    ]
}
SAID = ("It is warm.", "In Zürich.")
OTHERS = ("Be brief.", "What is it?", "Where?")


@pytest.fixture
def made():
    opened: list[ChatCodec] = []

    def make(name: str, **rest) -> ChatCodec:
        opened.append(ChatCodec.of(imported(STYLES[name], **rest).codec))
        return opened[-1]

    yield make
    for one in opened:
        one.renderer.close()


def parts(codec: ChatCodec, talk) -> tuple[str, str]:
    """What is learnt, and what is not."""
    (x,), (weight,) = codec.encode([talk]), codec.weights([talk])
    assert len(x) == len(weight) and set(weight.tolist()) <= {0.0, 1.0}
    return codec.spelt(x[weight > 0].tolist()), codec.spelt(x[weight == 0].tolist())


@pytest.mark.parametrize("name", ["chatml", "llama3", "gemma", "mistral", "nemotron"])
def test_only_the_assistants_turns_are_targets(made, name: str) -> None:
    codec = made(name)
    talk = {"messages": TALK["messages"][1:]} if name in ("gemma", "mistral") else TALK
    learnt, rest = parts(codec, talk)
    assert all(text in learnt and text not in rest for text in SAID)
    asked = OTHERS if talk is TALK else OTHERS[1:]
    assert all(text in rest and text not in learnt for text in asked)


def test_a_turn_written_anew_is_found_by_its_content(made) -> None:
    """A template that puts the system's words before the last question writes the first anew."""
    codec = made("mistral")
    learnt, rest = parts(codec, TALK)
    assert all(text in learnt for text in SAID) and learnt.count("</s>") == 2
    assert all(text in rest for text in OTHERS[1:])  # it drops the first
    assert not codec.notes


def test_reasoning_that_is_dropped_later_is_counted(made) -> None:
    codec = made("chatml")
    talk = [
        *TALKS["thought"],
        {"role": "user", "content": "And?"},
        {"role": "assistant", "content": "Yes."},
    ]
    learnt, _ = parts(codec, {"messages": talk})
    assert learnt == "Yes.<|im_end|>"
    assert any("1 answers are not learnt" in note for note in codec.notes)


def test_a_model_of_texts_gets_a_template_of_plain_words(tmp_path: Path) -> None:
    text = TextCodec(vocab=300, length=128)
    text.fit(["User:\nWhat is it? Assistant:\nIt is warm."] * 9)
    codec = ChatCodec.of(text)
    learnt, rest = parts(codec, TALK)
    assert learnt == "It is warm.<|endoftext|>In Zürich.<|endoftext|>"
    assert rest.startswith("System:\nBe brief.\n\nUser:\nWhat is it?\n\nAssistant:\n")
    known = codec.condition("Hi <|endoftext|>", None).known
    assert known is not None and int((known == codec.spec.eos).sum()) == 0
    assert codec.spec.vocab == len(text.pairs)
    answer = torch.cat((known, text.encode(["Né"])[0]))
    assert [codec.stable_prefix(answer[:n]) for n in (len(known), len(answer))] == ["", "Né"]
    (talk,) = codec.decode([torch.cat((answer, torch.tensor([codec.spec.eos])))])
    assert [m["content"] for m in talk.messages] == ["Hi <|endoftext|>", "Né"]
    codec.renderer.close()


@pytest.mark.parametrize("name", ["chatml", "llama3", "mistral"])
def test_it_saves_and_loads_as_it_is(made, name: str, tmp_path: Path) -> None:
    codec = made(name)
    codec.fit([{"messages": TALK["messages"][1:]}])
    codec.save(tmp_path)
    loaded = ChatCodec.load(tmp_path)
    talk = {"messages": TALK["messages"][1:]}
    assert loaded.spec == codec.spec and loaded.opener == "What is it?"
    assert torch.equal(loaded.encode([talk])[0], codec.encode([talk])[0])
    assert torch.equal(loaded.weights([talk])[0], codec.weights([talk])[0])
    assert loaded.given().policy == codec.given().policy
    loaded.renderer.close()


def test_the_end_of_a_turn_ends_an_answer(made) -> None:
    """A base model's end of text is another token than the one its template ends turns with."""
    codec = made("chatml")
    end = codec.renderer.tokens.tokenizer.token_to_id("<|im_end|>")
    assert codec.spec.eos != end and end in codec.spec.ends


@pytest.mark.parametrize("name", ["chatml", "mistral", "llama3"])
def test_an_answer_is_told_from_its_question(made, name: str) -> None:
    codec = made(name)
    known = codec.condition("What is it?", None).known
    answer = torch.cat((known, codec.text.encode(["It is."])[0]))
    assert codec.stable_prefix(known) == "" and codec.stable_prefix(answer).strip() == "It is."
    (talk,) = codec.decode([answer])
    assert [m["role"] for m in talk.messages] == ["user", "assistant"]
    assert talk.messages[0]["content"].strip() == "What is it?"
    rng = torch.Generator().manual_seed(0)
    for _ in range(20):
        codec.decode([torch.randint(0, codec.spec.vocab, (30,), generator=rng)])


def test_what_a_template_refuses_is_left_out_and_told(made) -> None:
    codec = made("mistral")
    assistant_first = {"messages": [TALK["messages"][2], *TALK["messages"][1:3]]}
    x, _ = codec.encode([assistant_first, {"messages": TALK["messages"][1:3]}])
    assert len(x) == 0
    assert any("1 of 2 conversations are left out" in n and "alternate" in n for n in codec.notes)


def test_a_training_learns_nothing_of_the_words(made) -> None:
    own = ChatCodec(vocab=300, length=64)
    own.fit([TALK] * 9)
    for start in (own, made("chatml"), imported(STYLES["chatml"]).codec):
        codec = ChatCodec.upon(start)
        before = codec.spec
        codec.fit([{"prompt": "zzz" * 30, "completion": "yyy" * 30}] * 9)
        assert codec.spec == before and codec.vocab == "given" and codec.opener.startswith("zzz")
        codec.renderer.close()
    assert ChatCodec.upon(own).encode([TALK])[0].tolist() == own.encode([TALK])[0].tolist()
    assert ChatCodec.upon(own, 32).spec.length == 32
    with pytest.raises(RecipeError, match="has a context of 64"):
        ChatCodec.upon(own, 65)
    with pytest.raises(RecipeError, match="start from one of texts or chat"):
        ChatCodec.upon(type("Other", (), {"kind": "image"})())


def test_a_chat_goes_on_with_texts(made) -> None:
    own = ChatCodec(vocab=300, length=64)
    own.fit([TALK] * 9)
    text = TextCodec.upon(own)
    assert text.spec.vocab == own.spec.vocab and text.spec.length == 64
    assert text.decode(text.encode(["It is warm. <|im_end|>"])) == ["It is warm. <|im_end|>"]
    again = ChatCodec.upon(text)
    assert again.spec.ends == own.spec.ends
    assert torch.equal(again.encode([TALK])[0], own.encode([TALK])[0])
    again.renderer.close()


def test_a_vocabulary_that_should_have_come_is_told() -> None:
    with pytest.raises(RecipeError, match="of a model to start from"):
        ChatCodec(vocab="given").fit([TALK])


def test_an_end_of_text_that_is_no_control_token_is_told() -> None:
    bare = imported(STYLES["chatml"], template=None, eos=5).codec
    with pytest.raises(RequestError, match="no chat template"):
        ChatCodec.of(bare)


def test_what_is_too_long_is_counted() -> None:
    codec = ChatCodec(vocab="bytes", length=64)
    short = {"prompt": "a", "completion": "b"}
    items = [short, {"prompt": "x" * 90, "completion": "never"}, {**short, "completion": "c" * 90}]
    codec.fit(items)
    codec.encode(items)
    assert codec.notes[0].startswith("2 of 3 conversations are longer than the context of 64")
    assert codec.notes[1].startswith("1 of 3 conversations have no answer within the context")
    codec.fit([short])
    codec.encode([short])
    assert codec.notes == ()

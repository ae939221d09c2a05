"""The codec of conversations: every shape of file, ids that say whose they are, and learning."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import torch
import toys
from tokenizers import Tokenizer

from genloom import api
from genloom.codec.chat.codec import ChatCodec
from genloom.codec.chat.conversation import Conversation
from genloom.codec.chat.files import read_conversations
from genloom.data.loader import Loader, evaluation
from genloom.engine.engine import Engine
from genloom.errors import DataError, RequestError
from genloom.recipe import Part
from genloom.spec import Request
from genloom.trust.quality import evaluate

TALK = [
    {"role": "system", "content": "Be <|im_end|> brief."},
    {"role": "user", "content": "Hi <|im_start|>system é <think>"},
    {"role": "assistant", "content": "Hm.", "reasoning_content": "A greeting."},
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": "", "tool_calls": [{"name": "w", "arguments": {"a": [1]}}]},
    {"role": "tool", "content": "warm"},
    {"role": "assistant", "content": "Warm 😀."},
]


@pytest.fixture(scope="module")
def codec() -> ChatCodec:
    made = ChatCodec(vocab="bytes", length=256)
    made.fit([{"messages": TALK}, *toys.talks()])
    return made


def words(codec: ChatCodec, x: torch.Tensor) -> str:
    return codec.renderer.tokens.spell(x.tolist())


# --- ids ------------------------------------------------------------------------------------------


def test_only_what_the_assistant_says_is_a_target(codec: ChatCodec) -> None:
    (x,), (weight,) = codec.encode([{"messages": TALK}]), codec.weights([{"messages": TALK}])
    assert words(codec, x[weight > 0]) == (
        "<think>\nA greeting.\n</think>\n\nHm.<|im_end|>"
        '<tool_call>{"name": "w", "arguments": {"a": [1]}}</tool_call><|im_end|>'
        "Warm 😀.<|im_end|>"
    )
    assert set(weight.tolist()) == {0.0, 1.0}
    assert codec.answers([{"messages": TALK}])[0].endswith("</tool_call>Warm 😀.")


def test_a_conversation_comes_back_from_its_ids(codec: ChatCodec) -> None:
    (x,) = codec.encode([{"messages": TALK}])
    (talk,) = codec.decode([x])
    assert [m["role"] for m in talk.messages] == [m["role"] for m in TALK]
    assert talk.messages[1]["content"] == TALK[1]["content"]
    assert torch.equal(codec.encode([talk])[0], x)
    turns = int((x == codec.spec.ends[0]).sum())
    assert turns == len(TALK)  # no message ended earlier than its writer meant


def test_tools_are_offered_in_the_systems_message(codec: ChatCodec) -> None:
    tool = {"name": "w", "description": "the weather"}
    (x,) = codec.encode([{"messages": TALK, "tools": [tool]}])
    told = words(codec, x)
    assert told.count("<|im_start|>system") == 2  # the second is what the user typed
    assert "Be <|im_end|> brief.\n\nYou may call" in told and '"the weather"' in told


def test_a_prompt_is_a_question_and_the_answer_grows(codec: ChatCodec) -> None:
    known = codec.condition("say a", None).known
    assert words(codec, known) == "<|im_start|>user\nsay a<|im_end|>\n<|im_start|>assistant\n"
    answer = codec.text.encode(["né!"])[0]
    shown = [codec.stable_prefix(torch.cat((known, answer[:n]))) for n in range(len(answer) + 1)]
    assert shown == ["", "n", "n", "né", "né!"]
    with pytest.raises(RequestError, match="at most 255 fit"):
        codec.condition("x" * 300, None)
    with pytest.raises(RequestError, match="no fields"):
        codec.condition("x", "age > 3")


def test_without_a_prompt_a_question_of_the_data_is_answered(codec: ChatCodec) -> None:
    assert "say a" in words(codec, codec.condition(None, None).known)
    small = ChatCodec(vocab="bytes", length=8)
    small.fit(toys.talks())
    assert small.condition(None, None).known is None  # not even that fits


def test_whatever_a_model_writes_is_decoded(codec: ChatCodec) -> None:
    rng = torch.Generator().manual_seed(0)
    for _ in range(50):
        ids = torch.randint(0, codec.spec.vocab, (40,), generator=rng)
        told = codec.decode([ids])[0]
        assert isinstance(told, Conversation) and isinstance(told.messages, tuple)


def test_a_plain_text_is_its_characters_alone(codec: ChatCodec) -> None:
    (x,), (weight,) = codec.encode(["<|im_end|>"]), codec.weights(["<|im_end|>"])
    assert len(x) == 10 and x.max() < len(codec.text.pairs) and not weight.any()


def test_saving_keeps_the_template_and_the_ids(codec: ChatCodec, tmp_path: Path) -> None:
    codec.save(tmp_path)
    loaded = ChatCodec.load(tmp_path)
    assert (loaded.template, loaded.opener) == (codec.template, codec.opener)
    assert torch.equal(
        loaded.encode([{"messages": TALK}])[0], codec.encode([{"messages": TALK}])[0]
    )
    theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert theirs.token_to_id("<|im_end|>") == codec.spec.ends[0]


def test_items_that_are_no_conversation_are_refused(codec: ChatCodec) -> None:
    for bad in (5, {"messages": []}, {"a": 1}, {"messages": [{"role": "user", "content": "x"}]}):
        with pytest.raises(RequestError, match="of no use"):
            codec.encode([bad])


# --- files ----------------------------------------------------------------------------------------

SHAPES = [
    {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
    {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
    {"prompt": "q", "completion": "a"},
    {"prompt": [{"role": "user", "content": "q"}],
     "completion": [{"role": "assistant", "content": "a"}]},
    {"instruction": "q", "input": "", "output": "a"},
    {"instruction": "q", "response": "a", "id": 5},
    {"question": "q", "answer": "a"},
]  # fmt: skip


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.jsonl.gz", "list.json"])
def test_every_shape_is_read(tmp_path: Path, name: str) -> None:
    lines = "\n".join(map(json.dumps, SHAPES))
    data = (json.dumps(SHAPES, indent=1) if name.startswith("list") else lines).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (tmp_path / "LICENSE").write_text("MIT")
    reading = read_conversations(tmp_path)
    assert [str(talk) for talk in reading.items] == ["user: q\n\nassistant: a"] * len(SHAPES)
    assert reading.files == (tmp_path / name,) and not reading.skipped


def test_systems_inputs_and_tools_come_along(tmp_path: Path) -> None:
    rows = [
        {"system": "s", "instruction": "q", "input": "more", "output": "a"},
        {
            "messages": TALK,
            "tools": json.dumps([{"name": "w", "parameters": {"type": "object"}}]),
        },
    ]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first, second = read_conversations(tmp_path / "x.jsonl").items
    assert first.messages[0]["content"] == "s" and first.messages[1]["content"] == "q\n\nmore"
    assert second.tools[0]["function"]["name"] == "w"
    assert second.messages[2]["reasoning_content"] == "A greeting."


def test_what_is_no_conversation_is_left_out_by_name(tmp_path: Path) -> None:
    lines = [
        json.dumps(SHAPES[0]),
        "{broken",
        json.dumps({"text": "just text"}),
        json.dumps({"messages": [{"role": "user", "content": None}]}),
        json.dumps({"messages": [{"role": "user", "content": "nobody answers"}]}),
        json.dumps({"conversations": [{"from": "alien", "value": "x"}]}),
        "[" * 100_000,
        "",
    ]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    (tmp_path / "y.jsonl").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "z.jsonl.gz").write_bytes(b"no gzip")
    reading = read_conversations(tmp_path)
    assert len(reading.items) == 1
    told = reading.skipped
    assert told["x.jsonl:2"] == "not JSON" and "fields text" in told["x.jsonl:3"]
    assert "content is null" in told["x.jsonl:4"] and "nobody answers" in told["x.jsonl:5"]
    assert "'alien'" in told["x.jsonl:6"] and told["x.jsonl:7"] == "not JSON"
    assert (
        "utf-16 but is damaged" in told["y.jsonl"] and told["z.jsonl.gz"] == "a damaged gzip file"
    )


U, A = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
S, T = {"role": "system", "content": "s"}, {"role": "tool", "content": "t"}


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([U, U, A], "messages 1 and 2 are both the user's"),
        ([U, A, A], "messages 2 and 3 are both the assistant's"),
        ([U, A, S, U, A], "message 3 is the system's"),
        ([U, T, A], "message 2 is a tool's"),
        ([U, {**A, "content": " "}], "message 2, the assistant's, is empty"),
        ([U, {**A, "role": "alien"}], "'alien'"),
        ([U, {**A, "tool_calls": "[{"}], "no JSON"),
    ],
)
def test_turns_out_of_order_are_left_out(tmp_path: Path, messages, words: str) -> None:
    lines = [{"messages": messages}, {"messages": [S, U, A]}]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)))
    reading = read_conversations(tmp_path)
    assert len(reading.items) == 1 and words in reading.skipped["x.jsonl:1"]
    assert reading.left_out == sum(reading.reasons.values()) == 1


def test_calls_may_be_kept_as_texts(tmp_path: Path) -> None:
    call = json.dumps([{"name": "w", "arguments": '{"a": 1}'}])
    rows = [
        {"messages": [U, {"role": "assistant", "content": None, "tool_calls": call}, T, A]},
        {
            "conversations": [
                {"from": "human", "value": "q"},
                {"from": "function_call", "value": json.dumps({"name": "w", "arguments": {}})},
                {"from": "observation", "value": "t"},
                {"from": "gpt", "value": "a"},
            ]
        },
        {"messages": None, "prompt": "q", "completion": "a"},
    ]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first, second, third = read_conversations(tmp_path / "x.jsonl").items
    assert first.messages[1]["tool_calls"][0]["function"]["arguments"] == {"a": 1}
    assert [m["role"] for m in second.messages] == ["user", "assistant", "tool", "assistant"]
    assert str(third) == "user: q\n\nassistant: a"


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [SHAPES[0], {"messages": None, **SHAPES[2]}, {"messages": TALK[1:3]}]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    reading = read_conversations(tmp_path)
    assert [str(t) for t in reading.items[:1]] == ["user: q\n\nassistant: a"]
    assert len(reading.items) == 2 and reading.items[1].messages[1]["reasoning_content"]
    assert "Parquet" in reading.skipped["broken.parquet"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_marks_of_encodings_are_heeded(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(json.dumps(SHAPES[2]).encode(encoding))
    assert len(read_conversations(tmp_path / "x.jsonl").items) == 1
    (tmp_path / "x.jsonl").write_bytes('{"prompt": "né"}'.encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        read_conversations(tmp_path / "x.jsonl")


def test_all_that_was_left_out_is_counted_and_the_first_named(tmp_path: Path) -> None:
    for n in range(1200):
        (tmp_path / f"{n}.jsonl").write_text("{" if n else json.dumps(SHAPES[2]))
    (tmp_path / "empty.jsonl").write_text("")
    reading = read_conversations(tmp_path)
    assert len(reading.skipped) == 1000 and reading.left_out == 1200
    assert reading.reasons == {"not JSON": 1199, "is empty": 1}
    assert "1,200 are left out in all (1,199 not JSON" in reading.notes[0]


def test_a_folder_without_conversations_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("text")
    with pytest.raises(DataError, match="has no conversation"):
        read_conversations(tmp_path)
    (tmp_path / "a.json").write_text("[]")
    (tmp_path / "b.jsonl").write_text("{")
    with pytest.raises(DataError, match=r"tried a.json \(is empty\), b.jsonl:1 \(not JSON\)"):
        read_conversations(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        read_conversations(tmp_path / "gone")


@pytest.mark.shared
def test_the_open_data_is_read(shared: Path) -> None:
    folder = shared / "data" / "instruct"
    for name in ("dolly", "gsm8k"):
        reading = read_conversations(folder / name)
        assert len(reading.items) > 1000 and len(reading.skipped) < 20


def test_what_is_written_is_read_again(codec: ChatCodec, tmp_path: Path) -> None:
    (x,) = codec.encode([{"messages": TALK}])
    (talk,) = codec.decode([x])
    assert codec.write(talk, tmp_path / "a.jsonl") is False
    (again,) = codec.read(tmp_path / "a.jsonl").items
    assert torch.equal(codec.encode([again])[0], x)
    codec.write(Conversation("just text"), tmp_path / "b.txt")
    assert (tmp_path / "b.txt").read_text() == "just text"


# --- learning -------------------------------------------------------------------------------------


def test_batches_weigh_each_id_as_the_codec_says(codec: ChatCodec) -> None:
    items = [{"messages": TALK}, *toys.talks(4)]
    ids, weights = codec.encode(items), codec.weights(items)
    loader = Loader(ids, codec.spec, batch=5, seed=0, weights=weights)
    batch = loader.batch(0)
    assert loader.targets == int(batch.count()) == int(sum(w.sum() for w in weights))
    spoken = [words(codec, row[w > 0]) for row, w in zip(batch.x, batch.weight, strict=True)]
    assert "one<|im_end|>" in spoken and all(text.endswith("<|im_end|>") for text in spoken)
    (whole,) = evaluation(ids, codec.spec, batch=9, weights=weights)
    assert torch.equal(whole.weight.sum(1), torch.stack([w.sum() for w in weights]))


def test_what_teaches_nothing_is_left_out(codec: ChatCodec) -> None:
    long = {"prompt": "x" * 400, "completion": "never seen"}
    items = [long, *toys.talks(3)]
    loader = Loader(codec.encode(items), codec.spec, batch=2, seed=0, weights=codec.weights(items))
    assert loader.epoch_size == 3
    with pytest.raises(DataError, match=r"codec\.length"):
        Loader(codec.encode([long]), codec.spec, batch=2, seed=0, weights=codec.weights([long]))


def test_packed_conversations_stay_whole_and_apart(codec: ChatCodec) -> None:
    x, weights = codec.encode(toys.talks()), codec.weights(toys.talks())
    loader = Loader(x, codec.spec, batch=2, seed=0, weights=weights, pack=True)
    batch = loader.batch(0)
    assert loader.targets == int(sum(w.sum() for w in weights))
    assert batch.document is not None and int(batch.document.max()) > 1


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> api.Model:
    """Three questions, each with its answer, learnt by heart."""
    made = toys.recipe(
        Part("chat", {"vocab": "bytes", "length": 64}),
        Part("autoregressive"),
        {"net": "transformer"},
        steps=150,
        rate=6e-3,
        compile="off",
        precision="fp32",
    )
    return api.train(made, toys.talks(), out=tmp_path_factory.mktemp("chat") / "m")


def test_a_trained_model_answers(learnt: api.Model) -> None:
    loaded = api.load(learnt.folder or "")
    for asked, answer in (("say a", "one"), ("say b", "two"), ("say c", "three")):
        assert [str(t) for t in loaded.generate(asked, temperature=0.0)] == [answer]


def test_a_request_by_ids_answers_the_same(learnt: api.Model) -> None:
    renderer = learnt.codec.renderer
    prompt = renderer.prompt([{"role": "user", "content": "say c"}])
    answer, said = renderer.answer(prompt), []
    options = api.Options(temperature=0.0)
    with Engine(learnt) as engine:
        for progress in engine.submit(Request(ids=prompt.ids, options=options)):
            said.append(answer.feed(progress.ids.tolist()).content)
        assert "".join(said) + answer.finish().content == "three"
        for ids in ((), (5,) * 64, (learnt.codec.spec.vocab,)):
            if ids:
                with pytest.raises(RequestError, match=r"at most 63 fit|ids"):
                    engine.submit(Request(ids=ids))


def test_quality_is_over_the_assistants_words(learnt: api.Model) -> None:
    held = [{"prompt": "say b", "completion": "two"}, {"prompt": "say é", "completion": "one"}]
    talks = [Conversation.of([
        {"role": "user", "content": h["prompt"]},
        {"role": "assistant", "content": h["completion"]},
    ]) for h in held]  # fmt: skip
    train = [Conversation.of([
        {"role": "user", "content": t["prompt"]},
        {"role": "assistant", "content": t["completion"]},
    ]) for t in toys.talks()]  # fmt: skip
    report = evaluate(learnt, talks, training=train, count=2)
    assert report.protocol["scored_characters"] == 6 and report.protocol["scored_tokens"] == 8
    assert report["bits_per_byte"].value < 4 < report["bits_per_byte"].floor + 8
    assert report["longest_overlap"].value >= 3

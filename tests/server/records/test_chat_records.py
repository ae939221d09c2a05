"""Chats on disk: a tree that grows, edits that never overwrite each other, each its owner's."""

from __future__ import annotations

import pytest

from genloom.server.failure import Failure
from genloom.server.records.chats import Chat, Differs, Turn
from genloom.server.records.records import Records
from genloom.server.records.rows import Page


def said(text: str, parent: Turn | None = None, role: str = "user", **more: object) -> Turn:
    above = None if parent is None else parent.id
    return Turn(role=role, text=text, parent=above, **more)  # type: ignore[arg-type]


def made(records: Records, *turns: Turn, owner: str = "anna", title: str = "") -> Chat:
    return records.chats.create(owner, title, {"model": "m"}, turns)


def test_turns_are_a_tree_in_the_order_they_came(records: Records) -> None:
    first = said("Ünter?")
    chat = made(records, first, said("one", first, "assistant"))
    chat = records.chats.add(chat.id, "anna", [said("two", first, "assistant")])
    found = records.chats.turns(chat.id, "anna")
    assert [t.text for t in found] == ["Ünter?", "one", "two"]
    assert [t.parent for t in found] == [None, first.id, first.id]
    assert records.chats.get(chat.id, "anna").about["head"] == found[-1].id
    assert records.chats.show(chat.id, "anna", found[1].id).about["head"] == found[1].id
    with pytest.raises(Failure, match="no turn"):
        records.chats.add(chat.id, "anna", [said("x", said("of nobody"))])
    with pytest.raises(Failure, match="no turn"):
        records.chats.show(chat.id, "anna", made(records, said("other")).about["head"])


def test_an_edit_of_what_somebody_else_edited_is_told_with_both(records: Records) -> None:
    chat = made(records)
    one = records.chats.change(chat.id, "anna", chat.version, {"system": "be short"})
    two = records.chats.change(chat.id, "anna", chat.version, {"title": "Short"})
    assert (one.version, two.version) == (2, 3)  # other fields: nothing is lost
    assert two.about["system"] == "be short"
    with pytest.raises(Differs) as raised:
        records.chats.change(chat.id, "anna", chat.version, {"system": "be long"})
    body = raised.value.body()
    assert raised.value.status == 409 and body["version"] == 3
    assert body["differs"] == {"system": {"yours": "be long", "theirs": "be short"}}
    same = records.chats.change(chat.id, "anna", chat.version, {"system": "be short"})
    assert same.version == 3
    assert records.chats.get(chat.id, "anna").about["system"] == "be short"


def test_another_s_chat_is_not_there(records: Records) -> None:
    turn = said("secret")
    chat = made(records, turn)
    for ask in (
        lambda: records.chats.get(chat.id, "bob"),
        lambda: records.chats.turns(chat.id, "bob"),
        lambda: records.chats.turn(chat.id, turn.id, "bob"),
        lambda: records.chats.change(chat.id, "bob", 1, {"title": "mine"}),
        lambda: records.chats.show(chat.id, "bob", None),
        lambda: records.chats.add(chat.id, "bob", [said("x")]),
        lambda: records.chats.remove(chat.id, "bob"),
        lambda: records.chats.listed("bob", Page(after=chat.id)),
    ):
        with pytest.raises(Failure) as raised:
            ask()
        assert raised.value.status == 404
    assert records.chats.listed("bob", Page()) == ([], False)


def test_lists_and_searches(records: Records) -> None:
    chats = [
        made(records, said(text), title=title)
        for text, title in (("about 100% wool", ""), ("about flax", "Linen"), ("ÄRGER", ""))
    ]
    made(records, said("wool of bob"), owner="bob")
    found, more = records.chats.listed("anna", Page(limit=2))
    assert more and [c.id for c in found] == [chats[2].id, chats[1].id]
    assert found[1].excerpt == "about flax" and found[1].turns == 1
    rest, more = records.chats.listed("anna", Page(limit=2, after=found[-1].id))
    assert not more and [c.id for c in rest] == [chats[0].id]

    def looked(text: str) -> list[str]:
        return [c.id for c in records.chats.listed("anna", Page(), text)[0]]

    assert looked("WOOL") == [chats[0].id] and looked("linen") == [chats[1].id]
    assert looked("0%") == [chats[0].id] and looked("%wool%") == [] and looked("_") == []


def test_a_turn_is_renewed_only_where_it_stands_so(records: Records) -> None:
    turn = said("", role="assistant", status="in_progress")
    chat = made(records, turn)
    kept = records.chats.turn(chat.id, turn.id, "anna")

    def stand(status: str, text: str) -> Turn:
        return Turn(
            id=kept.id,
            chat=chat.id,
            role="assistant",
            status=status,
            text=text,
            chances=[["a", -1.0, []]],
        )

    assert records.chats.renew(stand("completed", "a\0b"), begin=("in_progress",))
    assert not records.chats.renew(stand("incomplete", ""), begin=("in_progress",))
    now = records.chats.turn(chat.id, turn.id, "anna", chances=True)
    assert (now.status, now.text, now.chances) == ("completed", "ab", [["a", -1.0, []]])
    records.chats.remove(chat.id, "anna")
    assert not records.chats.renew(stand("completed", "late"))
    with pytest.raises(Failure, match="no chat"):
        records.chats.turns(chat.id, "anna")

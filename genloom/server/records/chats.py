"""Chats and their turns, each its owner's: a tree that only grows, and fields that are edited.

A field that somebody else has changed meanwhile is never overwritten: `Differs` tells both values.
Knows no model, message or route.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, insert, or_, select, update

from genloom.server.failure import Failure
from genloom.server.records.database import Database
from genloom.server.records.ids import is_id, new_id
from genloom.server.records.rows import Page, of_owner, one, page_of, read
from genloom.server.records.tables import CHATS, TURNS
from genloom.server.records.trouble import missing

MOST_CHATS, MOST_TURNS = 10_000, 5_000  # of one owner, and of one chat
EXCERPT = 160  # characters
_COLUMNS = tuple(column.name for column in CHATS.c)
_AT = "at"  # in `about`: field -> the version that changed it last


@dataclass(frozen=True, kw_only=True)
class Chat:
    """about: model, system, settings and tools; head: the turn that is shown last. version: grows
    with every change of title and about. excerpt: how its first question begins, in lists."""

    id: str
    owner: str
    title: str
    about: Mapping[str, Any]
    version: int = 1
    turns: int = 0
    created: float
    changed: float
    excerpt: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        """What can be edited."""
        return {"title": self.title, **{k: v for k, v in self.about.items() if k != _AT}}


@dataclass(frozen=True, kw_only=True)
class Turn:
    """number: 0, 1 ... in the order they came. parent: the turn before it. chances: of its tokens,
    read only where they are asked for."""

    id: str = field(default_factory=lambda: new_id("turn_"))
    chat: str = ""
    number: int = 0
    parent: str | None = None
    role: str
    status: str = "completed"
    text: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    chances: Sequence[Any] | None = None
    created: float = field(default_factory=time.time)


class Differs(Failure):
    """A 409 that tells what stands now beside what was to be written."""

    def __init__(self, chat: Chat, fields: Mapping[str, Any]) -> None:
        names = ", ".join(sorted(fields))
        super().__init__(409, f"somebody else has changed this chat's {names}", code="conflict")
        self.version = chat.version
        self.differs = {
            name: {"yours": value, "theirs": chat.fields.get(name)}
            for name, value in fields.items()
        }

    def body(self) -> dict[str, Any]:
        return {**super().body(), "version": self.version, "differs": self.differs}


class Chats:
    def __init__(self, database: Database) -> None:
        self._database = database

    # --- chats ------------------------------------------------------------------------------------

    def create(
        self, owner: str, title: str, about: Mapping[str, Any], turns: Sequence[Turn] = ()
    ) -> Chat:
        """A new chat with these turns; when this returns it is on disk."""
        now = time.time()
        chat = Chat(
            id=new_id("chat_"), owner=owner, title=title, about=about, created=now, changed=now
        )
        with self._database.writing() as connection:
            mine = select(func.count()).select_from(CHATS).where(CHATS.c.owner == owner)
            if (connection.scalar(mine) or 0) >= MOST_CHATS:
                raise Failure(400, f"there are {MOST_CHATS:,} chats already: delete some")
            row = {name: getattr(chat, name) for name in _COLUMNS}
            connection.execute(insert(CHATS).values(**row))
            return _grown(connection, chat, turns)

    def get(self, id: str, owner: str) -> Chat:
        with self._database.reading() as connection:
            return read(Chat, one(connection, _mine(id, owner), "chat", id))

    def listed(self, owner: str, page: Page, query: str = "") -> tuple[list[Chat], bool]:
        """Those that changed last first; of those with `query` in their title or in a turn."""
        found = _shown().where(CHATS.c.owner == owner)
        if query:
            said = select(TURNS.c.chat).where(TURNS.c.text.icontains(query, autoescape=True))
            in_title = CHATS.c.title.icontains(query, autoescape=True)
            found = found.where(or_(in_title, CHATS.c.id.in_(said)))
        with self._database.reading() as connection:
            if page.after is not None:
                last = one(connection, _mine(page.after, owner), "chat", page.after)._mapping
                same = and_(CHATS.c.changed == last["changed"], CHATS.c.id < last["id"])
                found = found.where(or_(CHATS.c.changed < last["changed"], same))
            ordered = found.order_by(CHATS.c.changed.desc(), CHATS.c.id.desc())
            rows = connection.execute(ordered.limit(page.limit + 1)).all()
        return page_of(Chat, rows[: page.limit]), len(rows) > page.limit

    def change(self, id: str, owner: str, version: int, changes: Mapping[str, Any]) -> Chat:
        """Set these fields as one who has seen this version. Differs where one is newer."""
        with self._database.writing() as connection:
            query = _mine(id, owner).with_for_update(of=CHATS)
            chat = read(Chat, one(connection, query, "chat", id))
            new = {k: v for k, v in changes.items() if chat.fields.get(k) != v}
            at: dict[str, int] = dict(chat.about.get(_AT) or {})
            late = {name: value for name, value in new.items() if at.get(name, 0) > version}
            if late:
                raise Differs(chat, late)
            return self._change(connection, chat, new, at) if new else chat

    def _change(
        self, connection: Connection, chat: Chat, new: Mapping[str, Any], at: Mapping[str, int]
    ) -> Chat:
        version = chat.version + 1
        about = {**chat.about, **{k: v for k, v in new.items() if k != "title"}}
        about[_AT] = {**at, **dict.fromkeys(new, version)}
        values = {"title": new.get("title", chat.title), "about": about, "version": version}
        return _updated(connection, chat, {**values, "changed": time.time()})

    def show(self, id: str, owner: str, head: str | None) -> Chat:
        """Have another turn shown last; nobody's edit is touched."""
        with self._database.writing() as connection:
            query = _mine(id, owner).with_for_update(of=CHATS)
            chat = read(Chat, one(connection, query, "chat", id))
            if head is not None:
                one(connection, _turn(id, head), "turn", head)
            return _updated(connection, chat, {"about": {**chat.about, "head": head}})

    def remove(self, id: str, owner: str) -> None:
        mine = CHATS.c.id == id, CHATS.c.owner == owner
        with self._database.writing() as connection:
            if not (is_id(id) and connection.execute(delete(CHATS).where(*mine)).rowcount):
                raise missing("chat", id)

    # --- turns ------------------------------------------------------------------------------------

    def turns(self, id: str, owner: str) -> list[Turn]:
        """All of a chat's, oldest first, without chances. Failure 404 where it is another's."""
        with self._database.reading() as connection:
            one(connection, _mine(id, owner), "chat", id)
            query = _light().where(TURNS.c.chat == id).order_by(TURNS.c.number)
            return [_read(row) for row in connection.execute(query)]

    def turn(self, id: str, turn: str, owner: str, *, chances: bool = False) -> Turn:
        with self._database.reading() as connection:
            one(connection, _mine(id, owner), "chat", id)
            query = select(TURNS).where(_is(id, turn)) if chances else _turn(id, turn)
            return _read(one(connection, query, "turn", turn))

    def add(self, id: str, owner: str, turns: Sequence[Turn]) -> Chat:
        """Behind the parents that they name; the last one becomes what is shown last."""
        with self._database.writing() as connection:
            query = _mine(id, owner).with_for_update(of=CHATS)
            return _grown(connection, read(Chat, one(connection, query, "chat", id)), turns)

    def renew(self, turn: Turn, *, begin: Collection[str] = ()) -> bool:
        """What stands of a turn now. begin: only where it has one of these statuses. False where it
        has not, or is gone with its chat."""
        values: dict[str, Any] = {
            "status": turn.status,
            "text": turn.text,
            "about": dict(turn.about),
        }
        if turn.chances is not None:
            values["chances"] = list(turn.chances)
        where = [_is(turn.chat, turn.id)]
        if begin:
            where.append(TURNS.c.status.in_(begin))
        with self._database.writing() as connection:
            return connection.execute(update(TURNS).where(*where).values(**values)).rowcount > 0


# --- rows -----------------------------------------------------------------------------------------


def _shown() -> Any:
    """Chats as lists show them."""
    first = (
        select(func.substr(TURNS.c.text, 1, EXCERPT))
        .where(TURNS.c.chat == CHATS.c.id, TURNS.c.role == "user")
        .order_by(TURNS.c.number)
        .limit(1)
        .scalar_subquery()
    )
    return select(*CHATS.c, func.coalesce(first, "").label("excerpt"))


def _mine(id: str, owner: str) -> Select[Any]:
    return of_owner(CHATS, id, owner).add_columns(func.substr("", 1).label("excerpt"))


def _light() -> Any:
    return select(*(column for column in TURNS.c if column.name != "chances"))


def _is(chat: str, turn: str) -> Any:
    return and_(TURNS.c.chat == chat, TURNS.c.id == turn)


def _turn(chat: str, turn: str) -> Any:
    return _light().where(_is(chat, turn))


def _read(row: Any) -> Turn:
    return Turn(**row._mapping)


def _updated(connection: Connection, chat: Chat, values: Mapping[str, Any]) -> Chat:
    connection.execute(update(CHATS).where(CHATS.c.id == chat.id).values(**values))
    return replace(chat, **values)


def _grown(connection: Connection, chat: Chat, turns: Sequence[Turn]) -> Chat:
    """With these turns behind those that are there. Failure where a parent is none of them."""
    if chat.turns + len(turns) > MOST_TURNS:
        raise Failure(400, f"a chat has {MOST_TURNS:,} turns at most: begin another")
    fresh: set[str] = set()
    rows = []
    for number, turn in enumerate(turns, chat.turns):
        if turn.parent is not None and turn.parent not in fresh:
            one(connection, _turn(chat.id, turn.parent), "turn", turn.parent)
        fresh.add(turn.id)
        rows.append({**vars(turn), "chat": chat.id, "number": number})
    if not rows:
        return chat
    connection.execute(insert(TURNS), rows)
    about = {**chat.about, "head": rows[-1]["id"]}
    count = chat.turns + len(rows)
    return _updated(connection, chat, {"about": about, "turns": count, "changed": time.time()})

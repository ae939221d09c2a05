"""Who has which pages: sequences that grow, share their beginnings, wait, and give way.

One `Memory` for a net, one `PagedCache` for the streams of a flight. Decides what each stream
feeds in a step: continuations first, prompts in pieces behind them, within a budget of tokens; when
pages run out, the least urgent stream gives up its own and is computed afresh later, with the same
result.
Shape legend: S sequences of a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from genloom import heap
from genloom.engine.prefixes import ROOT, Key, Node, Prefixes
from genloom.errors import ResourceError
from genloom.family.streams import Stream
from genloom.net.pages import PAGE, Layout, PagedAttention, Pages

BUDGET = 512  # tokens of a step: enough for the matrix units, short enough that others go on
SMALLEST = PAGE  # tokens of a step where memory is short
SHARE = 4  # of the memory that is free, one part in so many is for keys and values


@dataclass(eq=False)
class Held:
    """What one stream has: its pages in order, the first of them `nodes` that others may share.
    fed: positions whose keys and values are there. arrival: earlier ones go first. root: where its
    beginnings are found; those with another adapter have another."""

    arrival: int
    slot: int
    pages: list[int] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    fed: int = 0
    reused: int = 0
    root: int = ROOT


@dataclass(frozen=True)
class Granted:
    """What each of some streams feeds in one step (see family.streams.Plan)."""

    rows: list[int]
    counts: list[int]
    firsts: list[int]
    attention: PagedAttention
    positions: Tensor


class Memory:
    """The pages of one net."""

    def __init__(self, layout: Layout, context: int, limit: int | None = None) -> None:
        """context: positions of the longest sequence. limit: bytes; a share of what is free."""
        self.layout, self.context = layout, context
        most = -(-(context + 1 + PAGE) // PAGE)
        room = heap.free_bytes(layout.device) // SHARE if limit is None else limit
        count = min(room // layout.page_bytes, 256 * most)
        if count < 1:
            raise ResourceError(
                f"{room:,} bytes for keys and values hold no page of {layout.page_bytes:,}: free "
                "some memory, or give the engine more"
            )
        self.pages = Pages.empty(layout, count)
        self.spare = list(range(count - 1, -1, -1))
        self.prefixes = Prefixes()
        self.roots: dict[str, int] = {"": ROOT}  # of each adapter
        self.table = torch.zeros(64, most, dtype=torch.int32)
        self.slots: list[int] = list(range(63, -1, -1))
        self.changes = 0  # of the table, so that a step without any can keep its rows
        self.arrivals = 0
        self.budget = BUDGET

    @property
    def size(self) -> int:
        """Pages in all."""
        return self.pages.keys.shape[1]

    @property
    def used(self) -> int:
        """Pages that sequences hold now, shared ones once."""
        return self.size - len(self.spare) - len(self.prefixes.idle)

    def root(self, adapter: str) -> int:
        """Below zero: no page has such a number."""
        return self.roots.setdefault(adapter, ROOT - len(self.roots))

    def sequences(self, count: int) -> PagedCache:
        return PagedCache(self, [self.open() for _ in range(count)])

    def open(self) -> Held:
        if not self.slots:
            self.slots = list(range(2 * len(self.table) - 1, len(self.table) - 1, -1))
            self.table = torch.cat((self.table, torch.zeros_like(self.table)))
        self.arrivals += 1
        return Held(self.arrivals, self.slots.pop())

    def close(self, held: Held) -> None:
        self.clear(held)
        self.slots.append(held.slot)

    def clear(self, held: Held) -> None:
        """Give up a sequence's pages; full ones stay known while there is room."""
        self.prefixes.release(held.nodes)
        self.spare += held.pages[len(held.nodes) :]
        held.pages, held.nodes, held.fed = [], [], 0
        self.changes += 1

    def append(self, held: Held, page: int) -> None:
        self.table[held.slot, len(held.pages)] = page
        held.pages.append(page)
        self.changes += 1

    def replace(self, held: Held, place: int, page: int) -> None:
        """An equal page takes the place of one's own."""
        self.spare.append(held.pages[place])
        held.pages[place] = page
        self.table[held.slot, place] = page
        self.changes += 1

    def take(self) -> int | None:
        """A free page, if need be one that nobody uses any more."""
        return self.spare.pop() if self.spare else self.prefixes.evict()

    def reuse(self, held: Held, window: Sequence[int]) -> Key | None:
        """Take over the pages of a beginning that is known. The key of the first that is not, or
        None where no full page follows. The last id is always fed: somebody wants its logits."""
        while True:
            key = self.next_key(held, window)
            if key is None or (node := self.prefixes.find(key)) is None:
                held.fed = held.reused = len(held.nodes) * PAGE
                return key
            held.nodes.append(node)
            self.append(held, node.page)

    def next_key(self, held: Held, window: Sequence[int]) -> Key | None:
        """Of the first page that is not shared yet."""
        first = len(held.nodes) * PAGE
        if first + PAGE > len(window) - 1:
            return None
        number = held.nodes[-1].number if held.nodes else held.root
        return number, tuple(window[first : first + PAGE])

    def publish(self, held: Held, window: Sequence[int]) -> None:
        """Let others find the pages that are full now."""
        while (place := len(held.nodes)) < held.fed // PAGE:
            number = held.nodes[-1].number if held.nodes else held.root
            key = number, tuple(window[place * PAGE : (place + 1) * PAGE])
            node = self.prefixes.find(key)
            if node is None:
                node = self.prefixes.add(key, held.pages[place])
            else:
                self.replace(held, place, node.page)
            held.nodes.append(node)

    def fork(self, held: Held) -> Held:
        """A second sequence with the same past: shared where full, copied where not."""
        new = self.open()
        new.root = held.root
        for node in held.nodes:
            self.prefixes.find(node.key)
            new.nodes.append(node)
            self.append(new, node.page)
        for page in held.pages[len(held.nodes) : -(-held.fed // PAGE)]:
            copy = self.take()
            if copy is None:
                self.close(new)
                raise self.too_small(held.fed)
            self.pages.copy(page, copy)
            self.append(new, copy)
        new.fed = held.fed
        return new

    def too_small(self, positions: int) -> ResourceError:
        return ResourceError(
            f"{positions:,} positions need {-(-positions // PAGE)} pages of keys and values, and "
            f"there are {self.size}: shorten the text, or give the engine more memory"
        )


class PagedCache:
    """The sequences of a flight, in the order of its streams."""

    def __init__(self, memory: Memory, held: list[Held]) -> None:
        self.memory, self.held = memory, held
        self._rows: tuple[list[int], int, Tensor] | None = None

    def nbytes(self) -> int:
        return sum(len(h.pages) for h in self.held) * self.memory.layout.page_bytes

    def select(self, rows: Tensor) -> PagedCache:
        """Only these; the others' pages are free at once."""
        kept = [self.held[n] for n in rows.tolist()]
        there = {id(h) for h in kept}
        for held in self.held:
            if id(held) not in there:
                self.memory.close(held)
        return PagedCache(self.memory, kept)

    def join(self, other: PagedCache) -> PagedCache:
        return PagedCache(self.memory, self.held + other.held)

    def restart(self, row: int) -> None:
        self.memory.clear(self.held[row])

    # --- who feeds what -------------------------------------------------------------------------

    def plan(self, items: Sequence[Stream]) -> Granted | None:
        granted: dict[int, int] = {}
        coming: set[Key] = set()
        left = self.memory.budget
        for row in self._by_urgency(items):
            count = self._wanted(row, items, left, coming)
            if count and self._reserve(row, self.held[row].fed + count, items, granted):
                granted[row] = count
                left -= count
                if (key := self._filling(row, items)) is not None:
                    coming.add(key)
        return self._granted(granted) if granted else None

    def _by_urgency(self, items: Sequence[Stream]) -> list[int]:
        """Those that are drawing first, then by priority, then as they came."""
        if len(items) == 1:
            return [0]

        def rank(row: int) -> tuple[bool, int, int]:
            stream, held = items[row], self.held[row]
            feeding = stream.length - stream.offset - held.fed > 1
            return feeding, -stream.priority, held.arrival

        return sorted((n for n, s in enumerate(items) if not s.done), key=rank)

    def _wanted(self, row: int, items: Sequence[Stream], left: int, coming: set[Key]) -> int:
        """How many ids a stream is to feed; 0 while another computes what it could share."""
        stream, held = items[row], self.held[row]
        held.root = self.memory.root(stream.adapter)
        if not held.pages and stream.length - stream.offset > PAGE:
            key = self.memory.reuse(held, stream.window())
            if key is not None and key in coming:
                return 0
        pending = stream.length - stream.offset - held.fed
        if pending > left:
            stream.draft = []
            return left
        room = min(left - pending, stream.context - (stream.length - stream.offset))
        stream.draft = stream.draft[: max(0, min(room, stream.end - stream.length - 1))]
        return pending + len(stream.draft)

    def _filling(self, row: int, items: Sequence[Stream]) -> Key | None:
        """Of the page that a prompt is about to fill."""
        stream, held = items[row], self.held[row]
        if stream.length - stream.offset - held.fed <= PAGE:
            return None
        return self.memory.next_key(held, stream.window())

    def _reserve(
        self, row: int, positions: int, items: Sequence[Stream], granted: dict[int, int]
    ) -> bool:
        """Have pages for so many positions; others give way if they are less urgent."""
        held = self.held[row]
        while len(held.pages) * PAGE < positions:
            page = self.memory.take()
            if page is not None:
                self.memory.append(held, page)
                continue
            if not self._give_way(row, items, granted):
                return False
        return True

    def _give_way(self, row: int, items: Sequence[Stream], granted: dict[int, int]) -> bool:
        """Take the pages of the least urgent stream that holds some and does not step now."""

        def urgency(n: int) -> tuple[bool, int, int]:
            return not items[n].done, items[n].priority, -self.held[n].arrival

        holding = [n for n, h in enumerate(self.held) if h.pages and n != row]
        if not holding and self.memory.used > len(self.held[row].pages):
            return False  # others of this memory, such as beams, hold the rest: wait for them
        if not holding:
            stream = items[row]
            stream.fail(self.memory.too_small(stream.length - stream.offset + 1))
            self.memory.clear(self.held[row])
            return False
        least = min((n for n in holding if n not in granted), key=urgency, default=row)
        if least == row or urgency(least) > urgency(row):
            return False
        self.memory.clear(self.held[least])
        return True

    def _granted(self, granted: dict[int, int]) -> Granted:
        rows, counts = list(granted), list(granted.values())
        firsts = [self.held[n].fed for n in rows]
        start = torch.tensor(firsts, dtype=torch.int32)
        count = torch.tensor(counts, dtype=torch.int32)
        attention = PagedAttention(self.memory.pages, self._table(rows), start, count)
        if len(rows) == sum(counts):
            positions = start.long()[:, None].to(self.memory.layout.device)
        else:
            positions = attention.positions()
        return Granted(rows, counts, firsts, attention, positions)

    def _table(self, rows: list[int]) -> Tensor:
        """int32 [S, most] of these rows; the last one while nothing changed."""
        memory = self.memory
        if self._rows is None or self._rows[0] != rows or self._rows[1] != memory.changes:
            slots = [self.held[n].slot for n in rows]
            self._rows = rows, memory.changes, memory.table[slots].contiguous()
        return self._rows[2]

    def settle(self, plan: Granted, items: Sequence[Stream], kept: Sequence[int]) -> None:
        for row, count in zip(plan.rows, kept, strict=True):
            held = self.held[row]
            full = (held.fed + count) // PAGE > len(held.nodes)
            held.fed += count
            if full:
                self.memory.publish(held, items[row].window())

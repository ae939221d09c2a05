"""Beginnings that several sequences share: full pages by what stands in them and before them.

A tree of pages. A page that nobody uses any more stays until its room is needed; what was used
longest ago goes first, ends before beginnings. Knows ids and page numbers, no tensors.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

ROOT = 0
Key = tuple[int, tuple[int, ...]]  # the number of the node before, the ids of this page


@dataclass(eq=False)
class Node:
    """A full page. users: how many sequences look at it now."""

    key: Key
    number: int
    page: int
    users: int = 1


class Prefixes:
    """Full pages that can be found again. Keys are the ids themselves: nothing can be confused."""

    def __init__(self) -> None:
        self.nodes: dict[Key, Node] = {}
        self.idle: OrderedDict[Key, Node] = OrderedDict()
        self._last = ROOT

    def find(self, key: Key) -> Node | None:
        """The page of these ids behind that node, now in use once more."""
        node = self.nodes.get(key)
        if node is not None:
            node.users += 1
            self.idle.pop(key, None)
        return node

    def add(self, key: Key, page: int) -> Node:
        """A page that has just been filled, in use by the one who filled it."""
        self._last += 1
        node = Node(key, self._last, page)
        self.nodes[key] = node
        return node

    def release(self, nodes: list[Node]) -> None:
        """One sequence needs these no more; ends are given up before beginnings."""
        for node in reversed(nodes):
            node.users -= 1
            if not node.users:
                self.idle[node.key] = node

    def evict(self) -> int | None:
        """The page that nobody uses and that was used longest ago."""
        if not self.idle:
            return None
        key, node = self.idle.popitem(last=False)
        del self.nodes[key]
        return node.page

    def clear(self) -> list[int]:
        """Give up all that nobody uses; their pages."""
        pages = []
        while (page := self.evict()) is not None:
            pages.append(page)
        return pages

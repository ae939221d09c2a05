"""Other people's tensor names <-> ours: one rule table, read both ways.

A rule says which of their tensors, one under another, make one of ours. Knows names, rows and
turned matrices; not which architecture needs which rules.
Shape legend: n layer, x expert.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from genloom.errors import ModelError

Into = Callable[[str, Tensor], None]  # fills a tensor with theirs of this name


@dataclass(frozen=True)
class Rule:
    """ours: a name with {n} where the layer's number stands. theirs: the names of the parts that
    lie one under another in ours, with {n}, and {x} where ours has the experts as first axis.
    rows: of each part; () for one part, or equal ones. turned: theirs is the transposed. stacked:
    theirs has the experts as first axis, too."""

    ours: str
    theirs: tuple[str, ...]
    rows: tuple[int, ...] = ()
    turned: bool = False
    stacked: bool = False


@dataclass(frozen=True)
class Place:
    """One of their tensors within one of ours: of expert `expert` where there are several, rows
    first .. last - 1 (last 0: all); of all experts where it is stacked."""

    ours: str
    theirs: str
    expert: int = -1
    first: int = 0
    last: int = 0
    turned: bool = False
    stacked: bool = False

    def view(self, ours: Tensor) -> Tensor:
        """The part of our tensor that theirs is, in their shape; shares its memory."""
        part = ours if self.expert < 0 else ours[self.expert]
        if self.stacked:
            return part[:, self.first : self.last] if self.last else part
        part = part[self.first : self.last] if self.last else part
        return part.T if self.turned else part


class Translation:
    """All rules of one model, with the layers' and experts' numbers filled in."""

    def __init__(self, rules: Iterable[Rule], experts: int = 0) -> None:
        self.rules, self.experts = tuple(rules), experts

    def places(self, ours: Mapping[str, Tensor]) -> list[Place]:
        """Where each of their tensors lies in these of ours. ModelError where no rule tells."""
        return [place for name, tensor in ours.items() for place in self._of(name, tensor)]

    def _of(self, name: str, tensor: Tensor) -> Iterator[Place]:
        for rule in self.rules:
            found = re.fullmatch(re.escape(rule.ours).replace(r"\{n\}", r"(?P<n>\d+)"), name)
            if found:
                yield from self._filled(rule, name, found.groupdict().get("n", ""), tensor)
                return
        raise ModelError(f"the tensor {name} has no name in the other format: it cannot be written")

    def _filled(self, rule: Rule, name: str, number: str, tensor: Tensor) -> Iterator[Place]:
        many = "{x}" in rule.theirs[0]
        height = tensor.shape[1] if many or rule.stacked else tensor.shape[0]
        rows = rule.rows or (height // len(rule.theirs),) * len(rule.theirs)
        for expert in range(self.experts) if many else (-1,):
            first = 0
            for theirs, count in zip(rule.theirs, rows, strict=True):
                told = theirs.replace("{n}", number).replace("{x}", str(expert))
                whole = len(rule.theirs) == 1
                last = 0 if whole else first + count
                begin = 0 if whole else first
                yield Place(name, told, expert, begin, last, rule.turned, rule.stacked)
                first += count

    def ours(self, ours: Mapping[str, Tensor], fill: Into) -> None:
        """Fill our tensors in place; fill(name, out) writes their tensor of that name to `out`."""
        for place in self.places(ours):
            fill(place.theirs, place.view(ours[place.ours]))

    def theirs(self, ours: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """(their name, tensor), sharing our memory."""
        for place in self.places(ours):
            yield place.theirs, place.view(ours[place.ours])


def compare(
    places: Iterable[Place],
    ours: Mapping[str, Tensor],
    theirs: Mapping[str, tuple[int, ...]],
    ignored: Callable[[str], bool],
) -> None:
    """ModelError where their tensors are too few, too many or of other shapes; by name."""
    wanted = {p.theirs: tuple(p.view(ours[p.ours]).shape) for p in places}
    lacking = sorted(wanted.keys() - theirs.keys())
    surplus = sorted(n for n in theirs.keys() - wanted.keys() if not ignored(n))
    other = sorted(n for n in wanted.keys() & theirs.keys() if wanted[n] != tuple(theirs[n]))
    for names, what in ((lacking, "lack"), (surplus, "have, beyond what the config needs,")):
        if names:
            raise ModelError(
                f"the weights {what} {_some(names)}: config.json and the weights do not belong "
                "together"
            )
    if other:
        name = other[0]
        raise ModelError(
            f"{name} has shape {list(theirs[name])}, but config.json says {list(wanted[name])}: "
            "the two do not belong together"
        )


def _some(names: list[str]) -> str:
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")

"""What a codec is: media <-> tensors. Floor 2: knows specs and file formats, no family or net.

An item is one sample of a medium (a text, a picture, a row). `Items` is whatever collection of
them suits the medium: a list of strings, a lazy sequence of pictures, a DataFrame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from torch import Tensor

from genloom.spec import Guide, Rules, Spec


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What `read` found: the items, and what was left out and why (path or row -> reason).

    skipped names the first of what was left out; reasons, where told, counts all of it by reason.
    credits: who made the items, where the data says so.
    """

    items: Any
    files: tuple[Path, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    credits: tuple[str, ...] = ()

    @property
    def left_out(self) -> int:
        """How many."""
        return max(len(self.skipped), sum(self.reasons.values()))


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A prompt or conditions in tensors: see `spec.Encoded` for the fields."""

    known: Tensor | None = None
    allowed: Mapping[int, Tensor] = field(default_factory=dict)
    rules: Rules | None = None
    guide: Callable[[], Guide] | None = None


@runtime_checkable
class Codec(Protocol):
    """Media <-> tensors. Constructed from its options alone; learns the rest in `fit`."""

    kind: ClassVar[str]  # its name in the registry
    media: ClassVar[str]  # "text/plain", "image/png", "text/csv"
    suffix: ClassVar[str]  # of the file that `write` makes: ".txt", ".png", ".csv"
    preview_suffix: ClassVar[str]  # of the file that `preview` makes
    compares: ClassVar[bool]  # whether `compare` measures anything
    conditional: ClassVar[bool]  # whether it also has `matches` and `settle`, for conditions
    carries: type[Spec]  # TokenSpec or ArraySpec, known from the options alone

    @property
    def spec(self) -> Spec:
        """Shape and range of the tensors. Known after `fit` or `load`."""

    def read(self, path: Path) -> Reading:
        """Everything readable under a file or a folder. DataError when there is nothing."""

    def fit(self, items: Any) -> None:
        """Learn merges, column statistics, scale; often nothing."""

    def encode(self, items: Any) -> Sequence[Tensor] | Tensor:
        """One tensor an item, without bos: stacked [N, ...] where all have one shape."""

    # A codec that makes more of what is learnt from also has `vary(items, seed)`, asked after the
    # split; one that knows the form of every answer has `form(prompt, ids)`, a grammar.
    # One that finds out while it reads which of its options fit has `found`: these options, by
    # which the presets that fit are told first.
    # A codec of which not every id is a target also has `weights(items)`: float [L] an item.
    # Where given items are none that come along over a wire, `travels` is false; where they are
    # no pictures, `brings` names their media types, and `calls` what notes of an evaluation call
    # them instead. What it acts on in finished items by itself (`takes`) it does in
    # `dressed(items, options)`; one that takes `tries` tells by `strays(items)` how far each is
    # from what is wanted. `told_where`: it takes conditions of its own. `collected(items)`: several
    # that `write` puts into one file.
    # One that tells a net more of arrays than a prompt does (`spec.control`) also has `tells`, true
    # from its options alone, `told(x, rng)` in training, `control(given, grid)`, `control_of(item)`
    # and `grid_told(given)` at use: see told.py. It may be `silent`, and tell nothing of an item;
    # where what it tells shows all of an item that is to stay, it `keeps`. One of which a training
    # sees windows also has `draws` and the same `told`, which then draws these.

    # One of which only some items may be put out (`exacting`) says so in `matches`, gives the items
    # that are kept their numbers in `numbered(items, seed, first)`, and tells in `alike(items)`
    # what must not come twice: arrays uint64 [N] with bool [N] of those that count.

    # One whose items can be asked for in shares (it `takes` balance, fair and weights) gives
    # `shares` of a field (conditions, in words, too), `joined` conditions, tells whether they are
    # `uncertain` (more than ids can say), and has `gathered(parts, order)`, `beside(items, name,
    # values)` and `noted(items, told)`.

    # One that takes what holds its items in other ways makes a collection of it in `adopt(data)`.
    # One whose model may go on with new items says in `welcome(items)` which of them it has ids
    # for, with notes. One of whose items millions may be written in parts has `writer(path)`.

    # What is decoded and encoded again is the same, but where `lossy` says that it is only near.
    # Where every item draws the same number of ids, `whole` is that number; where the ids begin
    # with a caption, `prompts` reads it. `models` names the options that name other models.

    def decode(self, x: Sequence[Tensor] | Tensor) -> Any:
        """Items from tensors, in the medium's own collection. Never fails on a legal tensor."""

    def captions(self, items: Any) -> Sequence[str] | None:
        """The text that goes with each item (caption, class), or None where there is none."""

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """What a prompt and conditions fix of an item. RequestError when they cannot be met."""

    def natural_side(self, items: Any) -> int | None:
        """The side in pixels that suits these pictures; None where items have no sides."""

    def features(self, items: Any) -> Tensor:
        """float [N, F]: a plain space in which nearest neighbours of items mean something."""

    def compare(self, real: Any, made: Any) -> dict[str, float]:
        """The medium's own quality, lower is better, headline first; {} to use held-out score."""

    def preview(self, items: Any, path: Path) -> Path:
        """Write something a person can look at (a grid, a table head, texts); returns the file."""

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """Write one asset; True where the record was embedded in the file itself."""

    def save(self, folder: Path) -> None:
        """JSON and safetensors only."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`."""

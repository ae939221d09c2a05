"""Data made ready for a recipe: read, split, described, encoded.

Knows codecs, splits and presets; no loop, engine or formula.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genloom import private, registry, store, tuning
from genloom.budget import Ledger, Privacy
from genloom.codec.base import Codec
from genloom.data.contents import contents
from genloom.data.loader import Batches, Loader, Telling
from genloom.data.overlap import Overlap, overlap
from genloom.data.source import Manifest
from genloom.data.split import split_items, split_keys, split_stream, take
from genloom.errors import DataError, RecipeError, UsageError
from genloom.model import Model
from genloom.recipe import Facts, Part, Recipe, Start
from genloom.rewards.base import Reward
from genloom.rewards.named import reward_of
from genloom.rollouts import Rollouts, asked
from genloom.speaking import give_words
from genloom.train.log import Event, Listener
from genloom.tuning import Begun
from genloom.tuning_codec import retold, welcomed

SIZES = ("tiny", "small", "base", "large")
NEARLY = 2_000_000  # characters in which held-out items that are nearly trained on are looked for
DRAFT = Facts(items=1000, units=10**6, side=32)  # to learn which codec a preset uses
BESIDE = ("codec.control", "codec.annotation")  # options of what may lie beside items
LOOKS = 4  # judgements and previews of a training whose length is given in passes


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What may be asked of a training before its recipe is known. validation: data to judge by in
    place of a share held back. epochs: passes over the data. rates: a factor on the recipe's.
    privacy: what may be told of any row, and the key to the noise."""

    validation: Any = None
    epochs: float | None = None
    rates: float = 1.0
    privacy: Privacy | None = None
    key: bytes = b""

    def paced(self, recipe: Recipe) -> Recipe:
        """The recipe at these rates, nothing held back where there is other data to judge by."""
        t, d = recipe.train, recipe.data
        train = replace(t, rate=t.rate * self.rates, muon_rate=t.muon_rate * self.rates)
        data = d if self.validation is None else replace(d, holdout=0.0)
        return replace(recipe, train=train, data=data)


USUAL = Terms()


@dataclass(kw_only=True)
class Material:
    """Data read, split and encoded, with a recipe that fits it."""

    recipe: Recipe
    codec: Codec
    prompt: Any
    train_items: Any
    held_items: Any
    encoded: Any
    prompts: Tensor | None
    held_encoded: Any
    held_prompts: Tensor | None
    manifest: Manifest
    validation: Manifest | None = None  # of what is held out, where it came apart from the rest
    weights: Any = None  # of each id as a target, where the codec says so
    held_weights: Any = None
    worths: Tensor | None = None  # of each item, where the codec says so
    held_worths: Tensor | None = None
    begun: Begun | None = None
    overlap: Overlap | None = None  # of what is held out, how much training holds, too
    reward: Reward | None = None  # of the family's tries
    new_words: tuple[str, ...] = ()  # of captions, that the start did not know
    ledger: Ledger | None = None  # what was counted of the data, where that is bounded

    @property
    def group(self) -> int:
        """How many neighbours of what is encoded make one item."""
        return int(getattr(self.codec, "group", 1))

    @property
    def telling(self) -> Telling | None:
        """What parts arrays into items and what is told of them, where the codec does."""
        parts = getattr(self.codec.spec, "control", 0) or getattr(self.codec, "draws", False)
        return getattr(self.codec, "told", None) if parts else None

    def loader(self, model: Model | None = None) -> Batches:
        """model: the one in training, for families that learn from its tries."""
        d = self.recipe.data
        if self.reward is not None:
            return Rollouts(
                tasks=self.encoded,
                held=self.held_encoded or (),
                model=model,
                codec=self.codec,
                family=self.recipe.make_family(),
                reward=self.reward,
                prompts=d.batch,
                seed=self.recipe.train.seed,
            )
        made = Loader(
            self.encoded,
            self.codec.spec,
            batch=d.batch,
            seed=self.recipe.train.seed,
            prompts=self.prompts,
            weights=self.weights,
            pack=d.pack,
            document=d.separate,
            group=self.group,
            worth=self.worths,
            ramp=round(d.ramp * self.recipe.train.steps),
            short=round(d.short * self.recipe.train.steps),
            told=self.telling,
            retold=getattr(self.prompt, "retold", None),
        )
        return made if self.ledger is None else private.drawn(made, self.ledger)

    @property
    def passes(self) -> int:
        """Steps of a pass over the data, but a tenth of the training at least."""
        recipe = self.recipe
        one = math.ceil(self.loader().epoch_size / recipe.data.batch)
        return max(one, -(-recipe.train.steps // 10))

    def last(self, epochs: float) -> None:
        """Let the training have so many passes over the data."""
        recipe = self.recipe
        steps = max(1, math.ceil(epochs * self.loader().epoch_size / recipe.data.batch))
        looks = {k: -(-steps // LOOKS) for k in ("judge", "preview") if getattr(recipe.train, k)}
        self.recipe = recipe.training(steps=steps, **looks)

    def close(self) -> None:
        """End what judges tries, where something does."""
        if self.reward is not None:
            self.reward.close()

    def nets(self) -> nn.ModuleDict:
        """Fresh nets, the same for the same seed; or those of the model that is gone on from."""
        if self.begun is not None and self.begun.model is not None:
            return tuning.nets_of(self.recipe, self.begun.model)
        told = None if self.prompt is None else self.prompt.spec
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.recipe.train.seed)
            return self.recipe.make_nets(self.codec.spec, told)


def prepare(
    medium: str | Recipe,
    data: Any,
    size: str | None,
    minutes: float | None,
    seed: int,
    changes: Sequence[str],
    licence: str | None,
    listener: Listener,
    recipe: Recipe | None,
    start: tuple[Start, Begun] | None = None,
    speed: float = 1.0,
    reward: str | Callable[..., Any] | None = None,
    terms: Terms = USUAL,
) -> Material:
    """speed: of the device that trains, in pairs of cores; sizes are meant for minutes of these.
    reward: words that go into the recipe, or a function of this program, which cannot."""
    if isinstance(reward, str):
        changes, reward = (*changes, f"family.reward={json.dumps(reward)}"), None
    chooser = registry.find("recipe", medium) if isinstance(medium, str) else None
    if size is not None and size not in SIZES:
        raise RecipeError(f"size {size!r} is not known: use one of {', '.join(SIZES)}")
    if minutes is not None and not 0 < minutes < 1e5:
        raise UsageError(f"minutes is {minutes}, but more than 0 is expected")
    draft: Any = recipe or (medium if chooser is None else chooser("tiny", DRAFT))
    told = [c for c in changes if c.strip().startswith(BESIDE)]
    draft = draft.with_(*told) if told and recipe is None else draft
    items, manifest = _read(draft.make_reader(), data, licence, listener)
    others = None
    if terms.validation is not None:
        others = _read(draft.make_reader(), terms.validation, licence, listener)
    begun = None if start is None else start[1]
    given = recipe is not None
    if recipe is None:
        if chooser is not None:
            facts = _facts(_reader(draft, changes), items, changes)
            draft = chooser(size or _size_for(chooser, minutes, speed), facts)
        usual = draft.train
        if terms.privacy is not None:
            draft = private.settled(draft, terms.privacy, len(items))
        if start is not None:
            draft = tuning.few(tuning.recipe_from(draft, *start), start[1], len(items))
        recipe = _placed(draft.with_(*changes).training(seed=seed))
        if start is not None:
            recipe = tuning.paced(recipe, begun, changes, usual)
        recipe = terms.paced(recipe)
    elif recipe.start is not None:
        begun = tuning.again(recipe.start)
    recipe.check()
    sides = _sides(recipe, items, None if others is None else others[0])
    if recipe.explores:
        made, notes = _explored(recipe, sides, manifest, begun, reward)
    else:
        made = _encoded(recipe, sides, manifest, begun, terms.key)
        notes = list(getattr(made.codec, "notes", ()))
    made.validation = None if others is None else others[1]
    if terms.epochs is not None and not given:
        made.last(terms.epochs)
    most = 0 if getattr(made.codec, "lettered", False) else NEARLY
    made.overlap = overlap(made.train_items, made.held_items, most)
    notes += [f"new in prompts: {', '.join(made.new_words)}"] if made.new_words else []
    notes += _unheard(made)
    notes += [made.overlap.note] if made.overlap is not None and made.overlap.note else []
    if notes:  # what could not be learnt as it stands, such as infinite numbers
        listener(Event(kind="fit", step=0, values={"notes": notes}))
    return made


def _reader(draft: Recipe, changes: Sequence[str]) -> Any:
    """The preset's codec as it is asked for: what it says of the data may depend on that."""
    asked = [change for change in changes if change.strip().startswith("codec.")]
    return _placed(draft.with_(*asked, check=False)).make_reader()


def _placed(recipe: Recipe) -> Recipe:
    """With the folders of the models that the codec is built on in place of their names."""
    options = recipe.codec.options
    names = getattr(registry.find("codec", recipe.codec.kind), "models", ())
    places = {n: str(store.existing(options[n]).resolve()) for n in names if options.get(n)}
    if not places:
        return recipe
    return replace(recipe, codec=Part(recipe.codec.kind, {**options, **places}))


def _read(codec: Codec, data: Any, licence: str | None, listener: Listener) -> tuple[Any, Manifest]:
    if not isinstance(data, str | Path):
        data = getattr(codec, "adopt", lambda held: held)(data)
        if len(data) == 0:
            raise DataError("the data given has no items: give at least one")
        blocks = (block for row in _rows(data) for block in contents(row))
        manifest = Manifest.of_memory(blocks, items=len(data), licence=licence)
        return data, manifest
    path = Path(data).expanduser()
    if not path.exists():
        raise DataError(f"{path} does not exist: give a file or a folder")
    listener(Event(kind="reading", step=0, values={"path": str(path)}))
    path = path.resolve()  # the card must name it wherever it is read
    reading = codec.read(path)
    manifest = Manifest.of_files(
        path,
        reading.files,
        items=len(reading.items),
        licence=licence,
        credits=getattr(reading, "credits", ()),
    )
    told = {
        "items": len(reading.items),
        "skipped": dict(reading.skipped),
        "notes": list(reading.notes),
        "licence": manifest.licence,
    }
    listener(Event(kind="read", step=0, values=told))
    return reading.items, manifest


def _rows(data: Any) -> Any:
    return data.itertuples() if hasattr(data, "itertuples") else data


def _facts(codec: Codec, items: Any, changes: Sequence[str]) -> Facts:
    captions = codec.captions(items)
    return Facts(
        items=len(items),
        units=sum(map(_units, items)),
        captions=captions if captions is not None and all(captions) else None,
        side=_side(codec, items, changes),
    )


def _units(item: Any) -> int:
    """Characters of a text, or of all texts in a conversation or a pair that is given as plain
    values; 1 for anything else."""
    if isinstance(item, Mapping):
        item = list(item.values())
    if isinstance(item, list | tuple):
        return sum(map(_units, item))
    return len(item) if isinstance(item, str) else 1


def _side(codec: Codec, items: Any, changes: Sequence[str]) -> int | None:
    """The side that pictures are to have: as asked, else what suits them."""
    for change in changes:
        key, _, value = change.partition("=")
        if key.strip() == "codec.size" and value.strip().isdigit():
            return int(value)
    return codec.natural_side(items)


def _size_for(chooser: Callable[..., Recipe], minutes: float | None, speed: float) -> str:
    """The size a preset means for so many minutes on a device of this speed."""
    limits = registry.minutes_of(chooser)
    if minutes is None:
        return "small"
    return next(size for size in SIZES if minutes * speed <= limits[size])


def split(recipe: Recipe, items: Any) -> tuple[Any, Any]:
    """(training, held out); packed streams by position, items by a hash of their number or key."""
    share, codec = recipe.data.holdout, recipe.make_reader()
    if recipe.data.pack and not (recipe.explores or hasattr(codec, "weights")):
        return split_stream(items, share) if share else (items, [])
    keys: Any = getattr(codec, "keys", lambda items: None)(items)
    first, last = split_items(len(items), share) if keys is None else split_keys(keys, share)
    return take(items, first), take(items, last)


def _sides(recipe: Recipe, items: Any, others: Any) -> tuple[Any, Any]:
    """(training, held out), called by the recipe's caption; others: what is held out, if given."""
    codec = recipe.make_reader()
    if others is None:
        return split(recipe, _called(recipe, codec, items))
    return _called(recipe, codec, items), _called(recipe, codec, others)


def _encoded(
    recipe: Recipe,
    sides: tuple[Any, Any],
    manifest: Manifest,
    begun: Begun | None = None,
    key: bytes = b"",
) -> Material:
    least, (train_items, held_items) = tuning.least(begun), sides
    if not recipe.data.pack and (count := len(train_items) + len(held_items)) < least:
        raise DataError(f"{count} items are too few to learn from: give at least {least}")
    codec, prompt = recipe.make_codec(), recipe.make_prompt()
    if begun is not None:
        codec = retold(begun.source.codec, recipe.codec)
        train_items, held_items = welcomed(codec, train_items, held_items)
        prompt = copy.deepcopy(begun.source.prompt)
    weigh = getattr(codec, "weights", None)
    if getattr(codec, "group", 1) > 1 and recipe.data.pack:
        raise RecipeError(
            f"codec {recipe.codec.kind!r} judges items beside each other, which packed rows part: "
            "use data.pack=false"
        )
    vary = getattr(codec, "vary", None)
    if vary is not None:
        train_items = vary(train_items, recipe.train.seed)
    train_items = _varied(recipe, codec, train_items)
    ledger = None
    if recipe.privacy is not None:
        ledger = private.fit(codec, train_items, recipe.privacy, key)
    elif begun is None:
        codec.fit(train_items)
    prompts, held_prompts, new = None, None, ()
    if prompt is not None and recipe.prompt is not None:
        captions = codec.captions(train_items)
        if captions is None or not any(captions):
            raise DataError(
                f"prompt {recipe.prompt.kind!r} needs captions, but the data has none: add "
                "captions (a folder a class, metadata.jsonl or .txt beside the pictures; one for "
                "all: --caption TEXT), or leave the prompt out with --set prompt=null"
            )
        if begun is None:
            give_words(prompt)
        new = _learnt(prompt, captions, begun)
        prompts = prompt.encode(captions, strict=begun is None)
        held = codec.captions(held_items) if len(held_items) else None
        held_prompts = None if held is None else prompt.encode(held, strict=False)
    worth = getattr(codec, "worths", None)
    return Material(
        recipe=recipe,
        codec=codec,
        prompt=prompt,
        train_items=train_items,
        held_items=held_items,
        encoded=codec.encode(train_items),
        prompts=prompts,
        held_encoded=codec.encode(held_items) if len(held_items) else None,
        held_prompts=held_prompts,
        manifest=manifest,
        weights=None if weigh is None else weigh(train_items),
        held_weights=None if weigh is None or not len(held_items) else weigh(held_items),
        worths=None if worth is None else worth(train_items),
        held_worths=None if worth is None or not len(held_items) else worth(held_items),
        begun=begun,
        new_words=tuple(new),
        ledger=ledger,
    )


def _called(recipe: Recipe, codec: Any, items: Any) -> Any:
    """Items with the recipe's caption where they have none of their own."""
    caption = recipe.data.caption
    if not caption:
        return items
    if not hasattr(codec, "called"):
        raise RecipeError(f"codec {recipe.codec.kind!r} has no captions: leave data.caption out")
    return codec.called(items, caption)


def _varied(recipe: Recipe, codec: Any, items: Any) -> Any:
    """Training items with their variations."""
    d = recipe.data
    if not (d.crops or d.flips):
        return items
    if not hasattr(codec, "varied"):
        raise RecipeError(f"codec {recipe.codec.kind!r} cannot vary items: use data.crops=0")
    return codec.varied(items, max(d.crops, 1 + d.flips), d.flips, recipe.train.seed)


def _unheard(made: Material) -> list[str]:
    """A note on words of the captions that the start has no id for, and none free."""
    ask = getattr(made.prompt, "unknown", None)
    if made.begun is None or made.prompts is None or ask is None:
        return []
    captions = made.codec.captions(made.train_items) or ()
    strange = dict.fromkeys(word for one in dict.fromkeys(captions) for word in ask(one))
    shown = ", ".join(list(strange)[:5]) + (" ..." if len(strange) > 5 else "")
    return [f"the start has no free ids left for: {shown}"] if strange else []


def _learnt(prompt: Any, captions: Sequence[str], begun: Begun | None) -> Sequence[str]:
    """The prompt codec fitted; that of a start is only told its new words, which these are."""
    if begun is None:
        prompt.fit(captions)
        return ()
    learn = getattr(prompt, "learn", None)
    return () if learn is None else learn(captions)


def _explored(
    recipe: Recipe,
    sides: tuple[Any, Any],
    manifest: Manifest,
    begun: Begun | None,
    function: Callable[..., Any] | None,
) -> tuple[Material, list[str]]:
    """Tasks for a model that is there, and what judges its tries; what was left out, and why."""
    if begun is None or begun.model is None:
        raise UsageError("rewards teach a model that can speak: give one with --from MODEL")
    words = recipe.family.options.get("reward") or function
    if not words:
        raise UsageError("there is nothing that judges tries: give a reward (--reward exact)")
    reward, codec = reward_of(words), begun.model.codec
    train_items, held_items = sides
    encoded, left = asked(codec, train_items, reward)
    held, _ = asked(codec, held_items, reward)
    made = Material(
        recipe=recipe,
        codec=codec,
        prompt=None,
        train_items=train_items,
        held_items=held_items,
        encoded=encoded,
        prompts=None,
        held_encoded=held,
        held_prompts=None,
        manifest=manifest,
        begun=begun,
        reward=reward,
    )
    return made, [f"{many:,} tasks are left out ({why})" for why, many in left.items()]


def read_again(model: Model) -> tuple[Any, Any]:
    """(training, held out) from where the card says the data lay. DataError when it has changed."""
    others = model.card.get("validation")
    items = _as_it_was(model, model.card.get("data"))
    return _sides(model.recipe, items, _as_it_was(model, others) if others else None)


def _as_it_was(model: Model, values: Any) -> Any:
    """The items of a manifest, read again."""
    if not values or not values.get("root"):
        raise DataError("this model was trained on data from memory: give the data itself")
    manifest = Manifest.from_json(values)
    root = Path(manifest.root)
    if not root.exists():
        raise DataError(f"the training data is no longer at {root}: put it back to compare with it")
    changed = manifest.changed()
    if changed:
        raise DataError(f"the training data has changed since: {', '.join(changed[:3])}")
    return model.recipe.make_reader().read(root).items

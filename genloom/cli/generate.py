"""`genloom generate`: a request from the command line, and where its items go.

Texts go to stdout as they come, what has columns as CSV, anything else into files. Which of these a
model makes is asked of its items, never of its name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from genloom.cli import in_parts, joined, making, output, said, sampling, settings, sheets, source
from genloom.cli.ending import warn
from genloom.cli.music_options import MusicOptions
from genloom.cli.picture_options import PictureOptions
from genloom.cli.speech_options import SpeechOptions
from genloom.cli.table_options import TableMaking
from genloom.errors import UsageError

if TYPE_CHECKING:
    from genloom.api import Model
    from genloom.spec import Request

RULE = "-" * 72  # between two texts


@dataclass(frozen=True, kw_only=True)
class Want:
    """What the user asked for besides the items themselves."""

    model: Model
    name: str
    request: Request
    target: str | None
    grid: bool
    json: bool
    recorded: bool
    guesser: Any = None
    guide: Model | None = None
    strip: Path | None = None
    sheet: bool = False
    columns: int | None = None
    piped: bool = False  # the samples themselves go to stdout
    subtitles: Path | None = None
    apart: Literal["exact", "near"] | None = None

    def record(self) -> dict[str, Any]:
        from genloom import api
        from genloom.trust.apart import RECORDED

        told = api.record(self.model, self.request, self.guide)
        return told if self.apart is None else {**told, RECORDED: self.apart}


def generate(
    model: str,
    prompt: str | None = None,
    /,
    *,
    count: Annotated[int | None, Parameter(name=["-n", "--count"])] = None,
    seed: int = 0,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    where: str | None = None,
    apart: Literal["exact", "near"] | None = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    logit_bias: list[str] | None = None,
    logprobs: int | None = None,
    min_tokens: int | None = None,
    stop: list[str] | None = None,
    stop_id: list[int] | None = None,
    schema: str | None = None,
    regex: str | None = None,
    grammar: str | None = None,
    suffix: str | None = None,
    beams: int | None = None,
    bits: Literal[32, 16, 8, 4] | None = None,
    adapter: str | None = None,
    speculate: str | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    solver: Literal["euler", "heun", "multistep"] | None = None,
    picture: PictureOptions | None = None,
    speech: SpeechOptions | None = None,
    music: MusicOptions | None = None,
    table: TableMaking | None = None,
    scale: float | None = None,
    grid: bool = False,
    json: bool = False,
    no_record: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Make new things with a model.

    Texts and tables are printed; pictures and sounds go to files. With -o everything goes to files,
    each with a record of how it was made; with -o - what is said goes to stdout as it is made.

    Parameters
    ----------
    model
        Name or path of a model.
    prompt
        The beginning of a text, a caption, a class or conditions; - reads stdin.
    count
        How many, 1 unless given; of linked tables the rows of the largest that has no parent, as
        many as were learnt unless given.
    seed
        The same seed makes the same items again.
    out
        A file, or a folder for several; - is stdout.
    where
        Conditions on columns, such as "age > 60 and income = '>50K'".
    apart
        Of a table: rows that equal a training row are made anew (exact), or that nearly do (near).
    max_tokens
        Longest continuation, in tokens.
    temperature
        0 takes the likeliest, 1 the model's own distribution.
    top_k
        Draw from the k likeliest tokens only.
    top_p
        Draw from the smallest set of this probability.
    min_p
        Draw from tokens at least this share as likely as the best.
    repetition_penalty
        Above 1, tokens that occurred become less likely.
    frequency_penalty
        Taken from a token's logit for each time it was generated; -2 to 2.
    presence_penalty
        Taken once from the logits of tokens that were generated; -2 to 2.
    logit_bias
        ID=VALUE: added to that token's logit, -100 to 100; may be repeated.
    logprobs
        With --json: each token's log-probability, and those of so many likeliest.
    min_tokens
        The text does not end before so many tokens.
    stop
        A string that ends a text; may be repeated.
    stop_id
        A token id that ends a text; may be repeated.
    schema
        The text is JSON that meets this JSON schema; a file, or the schema itself.
    regex
        The text matches this regular expression.
    grammar
        The text meets the grammar in this file (Lark or GBNF).
    suffix
        What comes after the gap that is to be filled.
    beams
        Search for the likeliest text, so many at a time.
    bits
        Of the weights of a model of texts: fewer are faster and a little less exact. Of a
        published pipeline 32 or 16.
    adapter
        What a model has learnt besides: a folder in the PEFT layout, or a model trained as adapter;
        beside a published pipeline a LoRA in safetensors.
    speculate
        How to guess ahead, which changes the speed and not the text: lookup, or a smaller model.
    steps
        Denoising steps; of series how long each is.
    guidance
        How strongly the prompt is followed; 1 is plainly.
    solver
        How denoising steps are taken.
    scale
        Of linked tables and series, in place of a count: times as many rows as were learnt from.
    grid
        All items on one sheet.
    json
        Print JSON: texts and rows themselves, for anything else the files.
    no_record
        Write no record of how it was made.
    quiet
        No progress.
    """
    from genloom import api

    kind = joined.kind_of(model)
    if kind is not None:
        refused = {"where": where, "grid": grid, "prompt": prompt, "adapter": adapter}
        joined.generate(model, kind, count, scale, steps, seed, out, json, not no_record, refused)
        return
    if scale is not None:
        raise UsageError("--scale is for linked tables and series: give -n")
    count = 1 if count is None else count
    loaded, picture = settings.load(model, bits, adapter), picture or PictureOptions()
    speech = speech or SpeechOptions()
    options = {
        "max_tokens": max_tokens,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "repetition_penalty": repetition_penalty,
        "frequency_penalty": frequency_penalty,
        "presence_penalty": presence_penalty,
        "logit_bias": sampling.biases(logit_bias),
        "logprobs": logprobs,
        "min_tokens": min_tokens,
        "stop": tuple(map(source.as_given, stop or ())),
        "stop_ids": tuple(stop_id or ()),
        "schema": sampling.schema(schema),
        "regex": regex,
        "grammar": sampling.text_of("--grammar", grammar),
        "suffix": suffix,
        "beams": beams,
        "steps": steps,
        "guidance": guidance,
        "solver": solver,
        **picture.fields(),
        **{name: value for name, value in speech.fields().items() if value is not None},
        **(music or MusicOptions()).fields(),
        **(table or TableMaking()).fields(),
    }
    request = api.request_of(source.prompt_from(prompt), count, seed, where, 0, None, options)
    want = Want(
        model=loaded,
        name=Path(model).name,
        request=request,
        target=None if out == source.STDIN else out,
        grid=grid,
        json=json,
        recorded=not no_record,
        guesser=settings.guesser(speculate),
        guide=None if picture.guide is None else settings.load(picture.guide),
        sheet=picture.sheet or picture.columns is not None,
        columns=picture.columns,
        strip=None if picture.save_steps is None else Path(picture.save_steps).expanduser(),
        piped=out == source.STDIN,
        apart=apart,
        subtitles=None if speech.subtitles is None else Path(speech.subtitles).expanduser(),
    )
    speech.check(said.says(loaded), count)
    _check(want)
    _deliver(want, quiet)


def _check(want: Want) -> None:
    """Refuse what cannot be before anything is made; mention words that the model never learnt."""
    from genloom.engine.requests import Encoder

    if said.says(want.model):
        return  # a text in pieces is checked as it is cut
    Encoder(want.model)(want.request)
    if want.request.options.logprobs is not None and not want.json:
        raise UsageError("--logprobs is told in JSON: add --json")
    if want.strip is not None:
        making.check(want.model.codec, want.strip)
    if want.sheet:
        sheets.check(want.model.codec, want.target, want.columns)
    if want.grid and want.target and not Path(want.target).suffix:
        suffix = want.model.codec.preview_suffix
        raise UsageError(f"--grid writes one sheet: give -o a file such as {want.target}{suffix}")
    prompt, text = want.model.prompts, want.request.prompt
    if text and hasattr(want.model.codec, "worded"):  # it is read and said anew
        return
    unknown = prompt.unknown(text) if prompt is not None and text else []
    if unknown:
        warn(making.unknown(unknown))


def _deliver(want: Want, quiet: bool) -> None:
    if said.says(want.model) and not want.grid:
        said.deliver(want, quiet)
        return
    if _streams(want):
        for piece in _growing(want):
            output.text(piece, end="")
        output.text("")
        return
    if want.request.options.logprobs is not None:
        _with_logprobs(want)
        return
    if in_parts.wanted(want):
        in_parts.deliver(want, quiet)
        return
    items = _made(want, quiet)
    if want.grid:
        _sheet(want, items)
    elif want.sheet:
        _frames(want, items)
    elif hasattr(items, "to_csv"):
        _rows(want, items)
    elif want.target is None and all(isinstance(item, str) for item in items):
        _texts(want, items)
    else:
        files(want, items)


# --- texts as they come -------------------------------------------------------------------------


def _streams(want: Want) -> bool:
    grows = hasattr(want.model.codec, "stable_prefix")
    alone = want.request.count == 1 and want.target is None
    return grows and alone and not (want.json or want.grid)


def _growing(want: Want) -> Iterator[str]:
    """What is new of the text; the beginning of a stop string waits until it is told apart."""
    told = 0
    with want.model.engine(want.guesser) as engine:
        generation = engine.submit(want.request)
        for progress in generation:
            text = progress.item or ""
            ready = text if progress.finished else _before_stop(text, want.request.options.stop)
            if len(ready) > told:
                yield ready[told:]
                told = len(ready)


def _before_stop(text: str, stops: Iterable[str]) -> str:
    """The text without an end that may become a stop string."""
    held = 0
    for stop in stops:
        sizes = range(min(len(stop) - 1, len(text)), 0, -1)
        held = max(held, next((n for n in sizes if stop.startswith(text[-n:])), 0))
    return text[: len(text) - held]


# --- everything else ----------------------------------------------------------------------------


def _made(want: Want, quiet: bool) -> Any:
    """All items, with a count on stderr while somebody watches."""
    from genloom import api
    from genloom.engine.choosing import needs_choosing

    silent = quiet or not sys.stderr.isatty()
    if want.apart is not None:
        return _apart(want, want.apart)
    several = needs_choosing(want.model, want.request)
    if want.model.codec.conditional or several or (silent and want.strip is None):
        return api.exact(want.model, want.request, want.guide)
    with want.model.engine(want.guesser, want.guide) as engine:
        generation = engine.submit(want.request)
        generation.shown = want.strip is not None
        seen = making.with_status(generation, silent)
        if want.strip is not None:
            making.strip(want.model.codec, seen, want.strip)
        return generation.items()


def _apart(want: Want, mode: Literal["exact", "near"]) -> Any:
    """Rows that are no training rows; how many were made anew is told."""
    from genloom.trust.apart import apart

    items, again = apart(want.model, want.request, mode)
    if again:
        warn(f"{again:,} rows that were training rows, or nearly, were made anew")
    return items


def _texts(want: Want, items: list[str]) -> None:
    if want.json:
        known = [told() for one in items if (told := getattr(one, "told", None)) is not None]
        details = {"details": known} if len(known) == len(items) else {}
        output.values({"items": items, **details, "record": want.record()})
        return
    listing = getattr(want.model.codec, "listing", None)
    if listing is not None:  # many of them make one file
        output.text(listing(items))
        return
    for number, item in enumerate(items):
        if number:
            output.text(RULE)
        output.text(item)


def _with_logprobs(want: Want) -> None:
    with want.model.engine(want.guesser) as engine:
        generation = engine.submit(want.request)
        items, endings = generation.result(), generation.endings
    told = [sampling.told(want.model.codec, endings[n].logprobs) for n in sorted(endings)]
    output.values({"items": items, "logprobs": told, "record": want.record()})


def _rows(want: Want, frame: Any) -> None:
    if want.target is not None:
        files(want, frame)
    elif want.json:
        import json

        rows = json.loads(frame.to_json(orient="records", date_format="iso"))
        output.values({"items": rows, **frame.attrs, "record": want.record()})
    else:
        frame.to_csv(sys.stdout, index=False, lineterminator="\n")


def files(want: Want, items: Any, more: Mapping[str, Any] | None = None) -> None:
    """Write items with their records; more: what --json tells besides."""
    from genloom.trust import provenance

    told = dict(getattr(items, "attrs", {}))
    record, more = want.record() | told, {**(more or {}), **told}
    target = _target(want, items)
    collected = getattr(want.model.codec, "collected", None)
    if collected is not None and target.suffix and isinstance(items, list) and len(items) > 1:
        items = collected(items)  # many in one file
    paths = provenance.save(want.model.codec, items, target, record)
    if not want.recorded:
        paths = _bare(want, items, paths)
    if want.json:
        told = {"record": record} if want.recorded else {}
        output.values({"files": [str(p) for p in paths], **more, **told})
    else:
        output.text("\n".join(map(str, paths)))


def _bare(want: Want, items: Any, paths: list[Path]) -> list[Path]:
    """The same files once more, without their records."""
    from genloom.trust.record_places import side_car

    for path, item in zip(paths, items if isinstance(items, list) else [items], strict=True):
        want.model.codec.write(item, path)
        side_car(path).unlink(missing_ok=True)
    return paths


def _target(want: Want, items: Any) -> Path:
    """As given, else a name in the current folder that is free."""
    suffix = want.model.codec.suffix
    if want.target is not None:
        given = Path(want.target).expanduser()
        if hasattr(items, "to_csv") and not given.suffix:
            return given.with_suffix(suffix)
        return given
    return _free(Path(f"{want.name}-{want.request.seed}{suffix}"), want.request.count)


def _free(path: Path, count: int) -> Path:
    """Several are numbered by whoever writes them; a single one is numbered past those there."""
    if count > 1:
        return path
    number = 0
    while (free := path.with_stem(f"{path.stem}-{number:04d}")).exists():
        number += 1
    return free


def _frames(want: Want, items: Any) -> None:
    path = Path(want.target or f"{want.name}-{want.request.seed}-sheet.png").expanduser()
    record = want.record() if want.recorded else None
    paths = sheets.write(want.model.codec, items, path, want.columns, record)
    told = [str(p) for p in paths]
    output.values({"files": told}) if want.json else output.text("\n".join(told))


def _sheet(want: Want, items: Any) -> None:
    codec = want.model.codec
    given = want.target or f"{want.name}-{want.request.seed}-sheet{codec.preview_suffix}"
    path = codec.preview(items, Path(given).expanduser())
    output.values({"files": [str(path)]}) if want.json else output.text(str(path))

"""The command line: the names of the commands, each imported when it is called.

Knows no command's flags and loads nothing heavy, so that --help answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, Parameter

import genloom
from genloom.cli import ending, source

_FLAGS = Parameter(negative=(), consume_multiple=False)

app = App(
    name="genloom",
    help="Train on your own data, prompt, generate: text, pictures, sound, clips, tables ...",
    help_epilogue="Models live in your data folder, or below GENLOOM_HOME. GENLOOM_DEVICE chooses "
    "where they run (auto, cpu, cuda); GENLOOM_LOG=debug shows tracebacks.",
    version=lambda: genloom.__version__,
    default_parameter=_FLAGS,
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
_data = App(
    name="data",
    help="Look at a data set, clean it, split it.",
    default_parameter=_FLAGS,
    help_format="plaintext",
    sort_key=11,
)
_bench = App(
    name="bench",
    help="Put load on a server and measure it.",
    default_parameter=_FLAGS,
    help_format="plaintext",
    sort_key=13,
)
_make = App(
    name="make",
    help="Make what takes several models, such as a podcast.",
    default_parameter=_FLAGS,
    help_format="plaintext",
    sort_key=5,
)
_keys = App(
    name="keys",
    help="Who may use a server: make, list and revoke keys.",
    default_parameter=_FLAGS,
    help_format="plaintext",
    sort_key=14,
)
app.command(_data)
app.command(_bench)
app.command(_keys)
app.command(_make)

for _order, (_name, _place, _help) in enumerate(
    (
        ("demo", "demo:demo", "Train small models, make new things, open a gallery."),
        ("train", "train:train", "Learn from a file or a folder and keep the model."),
        ("plan", "train:plan", "Say what a training would take: memory, time and cost."),
        ("generate", "generate:generate", "Make new things with a model."),
        ("enhance", "enhance:enhance", "Enlarge, restore or colour pictures and films."),
        ("fill", "filling:fill", "Fill the gaps of a table by what a model finds likely."),
        ("forecast", "forecasting:forecast", "What comes next in series, with intervals."),
        ("predict", "filling:predict", "Foretell a column of a table, with chances or intervals."),
        ("discover", "discover:discover", "Search for new things that score well by a score."),
        ("animate", "animate:animate", "Let the figure of a picture breathe, walk or hop."),
        ("project", "latents:project", "Find a real picture in a model's latents."),
        ("directions", "latents:directions", "Find and draw what a model's latents mean."),
        ("chat", "chat:chat", "Talk with a model, or pipe one question through it."),
        ("serve", "serve:serve", "Serve models over HTTP, in the shape of OpenAI's API."),
        ("studio", "studio:studio", "Train, prompt and generate on a page in the browser."),
        ("models", "models:models", "List the models."),
        ("show", "models:show", "What a model is, what it learnt from, and how good it is."),
        ("rm", "models:remove", "Delete a model and what its training left."),
        ("import", "importing:bring", "Take in a published model: a folder, a GGUF file, a hub's."),
        ("export", "exporting:export", "Write a model for other libraries: hf or gguf."),
        ("average", "averaging:average", "Average a model's weights anew, after its training."),
        ("eval", "evaluate:evaluate", "Measure a model, with a floor and a ceiling beside it."),
        ("report", "report:report", "What is known of a model, as one HTML page or JSON."),
        ("score", "reading:score", "How likely a model finds texts."),
        ("embed", "reading:embed", "Texts as vectors."),
        ("rank", "reading:rank", "Order texts by how well they answer a query."),
        ("verify", "provenance:verify", "Check the record of something that was generated."),
        ("trace", "provenance:trace", "Show the training items that are nearest to it."),
        ("neighbours", "looking:neighbours", "Show made pictures beside the nearest real ones."),
        ("compare", "looking:compare", "Several models or settings side by side on one sheet."),
        ("history", "looking:history", "Draw how a training went, or goes: its losses by step."),
        ("replay", "provenance:replay", "Make it again from its record."),
        ("play", "play:play", "Play a score, or write it as another notation or a picture."),
        ("doctor", "doctor:doctor", "Look at this machine: torch, cores, memory, disk, extras."),
        ("completion", "completion:completion", "Print the completion script of a shell."),
    )
):
    app.command(
        f"genloom.cli.{_place}",
        name=_name,
        help=_help,
        help_format="plaintext",
        default_parameter=_FLAGS,
        sort_key=_order + (_order > 10),
    )

for _name, _help in (
    ("inspect", "What is in a data set: counts, sizes, licence, duplicates, what is left out."),
    ("clean", "Write a data set anew without duplicates, empty and broken items."),
    ("split", "Write a data set as a training and a held-out part."),
    ("draw", "Draw a data set of which everything is known: cars, furniture, driving."),
):
    _data.command(
        f"genloom.cli.data:{_name}",
        name=_name,
        help=_help,
        help_format="plaintext",
        default_parameter=_FLAGS,
    )

_bench.command(
    "genloom.cli.bench:serve",
    name="serve",
    help="Latencies, throughput and goodput of any server in the shape of OpenAI's API.",
    help_format="plaintext",
    default_parameter=_FLAGS,
)

for _name, _place, _help in (
    (
        *("podcast", "make:podcast"),
        "A script said by several voices, with music, chapters and subtitles.",
    ),
    ("slides", "make_film:slides", "A page for each chapter, said by voices, as a film."),
    ("clip", "make_film:clip", "Pictures or clips that fill the screen under a voice, as a film."),
    ("avatar", "make_film:avatar", "A face or a figure whose mouth says a script, as a film."),
    ("notes", "make_notes:notes", "A text from each row of a table, every fact of it checked."),
    ("rows", "make_notes:rows", "The rows that such texts state, read back."),
    ("world", "make_world:world", "Tiles, sprites, props, a level and a scene for a game."),
):
    _make.command(
        f"genloom.cli.{_place}",
        name=_name,
        help=_help,
        help_format="plaintext",
        default_parameter=_FLAGS,
    )

for _name, _place, _help in (
    ("create", "create", "Make a key, and show it this once."),
    ("list", "listed", "The keys there are."),
    ("revoke", "revoke", "End a key."),
):
    _keys.command(
        f"genloom.cli.keys:{_place}",
        name=_name,
        help=_help,
        help_format="plaintext",
        default_parameter=_FLAGS,
    )


def main(tokens: Sequence[str] | None = None) -> None:
    """Run a command line; leaves with 0 done, 1 failed, 2 bad usage, 130 interrupted."""
    given = source.readable(sys.argv[1:] if tokens is None else tokens)
    sys.exit(ending.run(lambda: app(given, print_error=False, exit_on_error=False)))

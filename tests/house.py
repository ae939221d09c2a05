"""The rules of the house: functions from one source file to sentences that say what is wrong.

Reads syntax trees only, imports nothing of the package. `test_floors` applies every rule to every
file and proves that each rule can fail. docs/architecture.md gives the reasons.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "genloom"
ROOT = "genloom"

# A part may import a part of lower rank. Equal ranks do not know each other.
RANK = {
    "errors": 0.0,
    "heap": 0.0,
    "machine": 0.0,
    "folders": 0.1,
    "options": 0.05,
    "budget": 0.1,
    "wire": 0.1,
    "sandbox": 0.0,
    "sandbox_cell": 0.0,
    "spec": 0.1,
    "configure": 0.1,
    "tensor_files": 0.1,
    "net": 1.0,
    "native": 0.5,
    "sound": 0.5,  # signals on tensors
    "level": 0.6,  # maps of games by rules
    "drive": 0.6,  # driving scenes and the rules they are made and judged by
    "shape": 0.6,  # meshes, fields and pictures of them, on arrays
    "speech": 1.9,  # texts that are read aloud
    "music": 1.8,  # scores and their notations
    "family": 2.0,
    "data": 2.0,
    "metric": 2.0,
    "codec": 2.1,  # may use metric
    "registry": 3.0,
    "recipe": 3.1,
    "recipes": 3.2,
    "model": 3.2,
    "store": 3.3,
    "shelf": 3.35,
    "weights": 3.3,
    "adapted": 3.4,
    "train": 4.0,
    "engine": 4.0,
    "rewards": 4.1,
    "enhancing": 4.1,
    "filling": 4.1,
    "likelihood": 4.1,
    "latents": 4.1,
    "hearing": 4.1,
    "saying": 4.1,
    "rollouts": 4.6,
    "averaging": 4.7,
    "speaking": 4.7,
    "private": 4.7,
    "tuning": 4.7,
    "tuning_codec": 4.7,
    "material": 4.8,
    "datasets": 4.85,
    "watch": 4.9,
    "forecast": 4.95,
    "growing": 4.96,
    "requested": 4.96,
    "card": 4.97,
    "exact": 4.97,
    "streamed": 4.97,
    "api": 5.0,
    "linked": 5.1,  # several models that draw tables which refer to each other
    "series": 5.2,  # the same machinery over steps in time
    "discovery": 5.5,  # searches with what the floors below offer
    "trust": 6.0,
    "agent": 6.0,
    "hosting": 6.5,  # a process in which models live; the server speaks to it by frames alone
    "server": 7.0,
    "loadtest": 7.5,  # speaks to any server by HTTP alone
    ROOT: 7.9,  # genloom/__init__.py: the public names
    "studio": 8.0,
    "demo": 8.0,
    "make": 8.0,  # pipelines over the public interface, as any program could have them
    "cli": 8.1,  # starts the demo
    "__main__": 8.2,
}
STRANGERS = {("codec", "family"), ("codec", "data")}  # although the rank would allow it

LOADABLE = {"torch", "numpy", "safetensors", "tokenizers", ROOT}  # on floors 0-5, at load
ANY_EXTRA_FLOOR = 6.0
PICKLERS = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
PICKLING = {
    ("torch", "load"),
    ("torch", "save"),
    ("np", "load"),
    ("numpy", "load"),
    ("pd", "read_pickle"),
    ("pandas", "read_pickle"),
}
KERNELS = {"scaled_dot_product_attention", "flex_attention", "sdpa_kernel"}
# Names of media and families that a plan or a user may come with; those in use are read from the
# classes themselves (`kinds`).
KINDS = {
    *("text", "chat", "image", "audio", "speech", "music", "video"),
    *("table", "molecule", "protein", "dna"),
    *("autoregressive", "flow", "diffusion", "adversarial", "gan", "reconstruction", "preference"),
}
OWN_WORDS = {"codec/where.py": {"text"}}  # a literal of the grammar there, not a medium
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
LONGEST = 500
MOST_FIELDS = 24


@dataclass(frozen=True)
class Import:
    target: str  # dotted
    line: int
    in_function: bool
    for_types: bool  # under `if TYPE_CHECKING`

    @property
    def top(self) -> str:
        return self.target.split(".")[0]


@dataclass(frozen=True)
class Source:
    """One file: its path inside the package ("net/mlp.py") and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree: each rule looks at them, and walking is most of its work."""
        return tuple(ast.walk(self.tree))

    @property
    def part(self) -> str:
        """The part it belongs to: "net", "recipe", or the root for genloom/__init__.py."""
        first = self.path.split("/")[0].removesuffix(".py")
        return ROOT if first == "__init__" else first

    @property
    def package(self) -> list[str]:
        """The dotted package that a relative import starts from."""
        return [ROOT, *self.path.split("/")[:-1]]

    def at(self, node: ast.AST | Import) -> str:
        return f"{self.path}:{node.line if isinstance(node, Import) else node.lineno}"

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(_imports(self, self.tree, in_function=False, for_types=False))

    @cached_property
    def own(self) -> tuple[tuple[Import, str], ...]:
        """Imports of the package's own modules, each with the part that it reaches."""
        return tuple((i, _part(i.target)) for i in self.imports if i.top == ROOT)


@cache
def house() -> list[Source]:
    return [
        Source(path.relative_to(PACKAGE).as_posix(), path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


@cache
def kinds() -> frozenset[str]:
    """KINDS and the `kind` of every codec and family."""
    found = set(KINDS)
    for source in house():
        if source.part in ("codec", "family"):
            for node in source.nodes:
                found |= _declared(node) if isinstance(node, ast.ClassDef) else set()
    return frozenset(found)


def _declared(node: ast.ClassDef) -> set[str]:
    """The string in `kind: ClassVar[str] = "x"` of a class with a medium or a carrier."""
    values: dict[str, ast.AST] = {}
    for line in node.body:
        if isinstance(line, ast.Assign | ast.AnnAssign) and line.value:
            targets = line.targets if isinstance(line, ast.Assign) else [line.target]
            values |= dict.fromkeys(map(_last, targets), line.value)
    if "kind" not in values or not {"media", "carries"} & set(values):
        return set()
    return _strings_in(values["kind"])


def _part(target: str) -> str:
    parts = target.split(".")
    return parts[1] if len(parts) > 1 and (parts[1] in RANK or len(parts) > 2) else ROOT


def _imports(source: Source, node: ast.AST, in_function: bool, for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for target in _targets(source, child):
            yield Import(target, child.lineno, in_function, for_types)
        deeper = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield from _imports(source, child, in_function or deeper, for_types or typing)


def _targets(source: Source, node: ast.AST) -> list[str]:
    """What one statement imports, as dotted names; import_module("a.b") counts."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        package = source.package
        base = package[: len(package) - node.level + 1] if node.level else []
        dotted = ".".join([*base, *([node.module] if node.module else [])])
        return [f"{dotted}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and _last(node.func) == "import_module" and node.args:
        name = ast.unparse(node.args[0]).lstrip("frFR").strip("'\"")
        return [name] if name.startswith(ROOT) else []
    return []


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _dotted(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""


# ---- imports


def has_a_floor(source: Source) -> Iterator[str]:
    """Every part stands on a floor."""
    if source.part not in RANK:
        yield f"{source.path}: the part {source.part!r} has no floor; give it one in RANK"


def imports_downward(source: Source) -> Iterator[str]:
    """Imports go down; parts of one rank do not know each other."""
    here = source.part
    for entry, there in source.own:
        if there == here:
            continue
        if RANK.get(there, 99) >= RANK.get(here, 99) or (here, there) in STRANGERS:
            yield f"{source.at(entry)}: {here} must not know {there} ({entry.target})"


def loads_bare(source: Source) -> Iterator[str]:
    """Floors 0-5 load with the standard library and four libraries alone."""
    if RANK.get(source.part, 99) >= ANY_EXTRA_FLOOR:
        return
    for entry in source.imports:
        known = entry.top in LOADABLE or entry.top in sys.stdlib_module_names
        if not (known or entry.in_function or entry.for_types):
            yield f"{source.at(entry)}: import {entry.top} inside the function that needs it"


def imports_at_the_top(source: Source) -> Iterator[str]:
    """Own modules are imported at the top, except by the parts that are lazy on purpose."""
    if source.part in ("registry", "cli", ROOT):
        return
    for entry, _ in source.own:
        if entry.in_function:
            yield f"{source.at(entry)}: import {entry.target} at the top of the file"


def keeps_libraries_in_place(source: Source) -> Iterator[str]:
    """Ranks, model hubs, web and kernels each have their own place."""
    for entry in source.imports:
        distributed = entry.target.startswith("torch.distributed") or entry.top == "ray"
        if distributed and source.path not in ("train/parallel.py", "train/checkpoint.py"):
            yield f"{source.at(entry)}: {entry.target} belongs to train/parallel.py"
        hub = entry.top in ("huggingface_hub", "transformers", "diffusers")
        if hub and source.part != "weights":
            yield f"{source.at(entry)}: {entry.target} belongs to weights"
        if entry.top == "torch" and source.part == "server":
            yield f"{source.at(entry)}: the server knows no torch"
    kernels = ("net/attention.py", "net/quantize.py", "engine/paged.py")
    for node in source.nodes:
        if isinstance(node, ast.Attribute):
            name = _dotted(node)
            allowed = source.path in ("train/parallel.py", "train/checkpoint.py")
            if name.startswith("torch.distributed") and not allowed:
                yield f"{source.at(node)}: {name} belongs to train/parallel.py"
        if _last(node) in KERNELS and source.path not in kernels:
            yield f"{source.at(node)}: {_last(node)} belongs to net/attention.py"


# ---- what code may do


def runs_no_foreign_code(source: Source) -> Iterator[str]:
    """No pickle, eval, exec or remote code."""
    for entry in source.imports:
        if entry.top in PICKLERS:
            yield f"{source.at(entry)}: {entry.top} can run foreign code"
    for node in source.nodes:
        if isinstance(node, ast.Name) and node.id in ("eval", "exec", "__import__"):
            yield f"{source.at(node)}: {node.id} can run foreign code"
        if isinstance(node, ast.Attribute) and tuple(_dotted(node).split(".")) in PICKLING:
            yield f"{source.at(node)}: {_dotted(node)} reads or writes pickles; use safetensors"
        if isinstance(node, ast.ImportFrom) and node.module in ("torch", "numpy"):
            for alias in node.names:
                if alias.name in ("load", "save") and (node.module, alias.name) in PICKLING:
                    yield f"{source.at(node)}: {node.module}.{alias.name} reads or writes pickles"
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "trust_remote_code"):
            given = node.value
            if not (isinstance(given, ast.Constant) and given.value is False):
                yield f"{source.at(given)}: {node.arg} must be False"


def reads_no_environment(source: Source) -> Iterator[str]:
    """Below floor 6 everything that decides is an argument."""
    if RANK.get(source.part, 99) >= ANY_EXTRA_FLOOR:
        return
    for node in source.nodes:
        if _dotted(node) in ("os.environ", "os.environb", "os.getenv", "os.putenv"):
            yield f"{source.at(node)}: hand the value of {_dotted(node)} in as an argument"
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            for alias in node.names:
                if alias.name in ("environ", "environb", "getenv", "putenv"):
                    yield f"{source.at(node)}: hand the value of os.{alias.name} in as an argument"


def compares_no_kinds(source: Source) -> Iterator[str]:
    """What differs between media or families lives in their classes, not in a comparison."""
    if source.part in ("registry", "weights", "recipes"):
        return
    known = kinds() - OWN_WORDS.get(source.path, set())
    for node in source.nodes:
        if isinstance(node, ast.Compare):
            yield from _kind_compared(source, node, known)
        if isinstance(node, ast.MatchValue) and _strings_in(node.value) & known:
            yield f"{source.at(node)}: a case on the kind {ast.unparse(node.value)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            media = node.func.attr in ("startswith", "endswith") and node.func.value
            if media and _last(media) == "media":
                yield f"{source.at(node)}: a comparison with a media type"


def _kind_compared(source: Source, node: ast.Compare, known: frozenset[str]) -> Iterator[str]:
    sides = [node.left, *node.comparators]
    for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
        if isinstance(op, ast.Eq | ast.NotEq):
            found = _strings_in(left) | _strings_in(right)
            if "media" not in (_last(left), _last(right)):
                found &= known
        elif isinstance(op, ast.In | ast.NotIn):  # `"text" in row` asks for a key: that is fine
            found = _strings_in(right) & known
        else:
            continue
        if found:
            yield f"{source.at(node)}: a comparison with the kind {', '.join(sorted(found))}"


def _strings_in(node: ast.AST) -> set[str]:
    """Of a literal string, or of a literal tuple, list or set of them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return set().union(*(_strings_in(item) for item in node.elts))
    return set()


# ---- size and names


def is_short(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > LONGEST:
        yield f"{source.path}: {lines} lines; {LONGEST} at most"


def is_named_for_what_it_knows(source: Source) -> Iterator[str]:
    for name in source.path.removesuffix(".py").split("/"):
        if VAGUE & set(name.lower().split("_")):
            yield f"{source.path}: {name!r} says nothing about what is inside"


def says_what_it_knows(source: Source) -> Iterator[str]:
    """A module docstring of at least one line, unless the file is empty."""
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield f"{source.path}: needs a docstring: what the file knows, and what it does not"


def has_few_knobs(source: Source) -> Iterator[str]:
    """The transformer's configuration stays small: one stack, not one for every model."""
    if source.path != "net/transformer.py":
        return
    for node in source.nodes:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
            count = sum(isinstance(line, ast.AnnAssign) for line in node.body)
            if count > MOST_FIELDS:
                yield f"{source.path}: {node.name} has {count} fields; {MOST_FIELDS} at most"


Rule = Callable[[Source], Iterator[str]]
RULES: tuple[Rule, ...] = (
    has_a_floor,
    imports_downward,
    loads_bare,
    imports_at_the_top,
    keeps_libraries_in_place,
    runs_no_foreign_code,
    reads_no_environment,
    compares_no_kinds,
    is_short,
    is_named_for_what_it_knows,
    says_what_it_knows,
    has_few_knobs,
)

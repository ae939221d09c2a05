"""The house stands as docs/architecture.md draws it, and every rule is shown to be able to fail."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import house
import pytest
from house import RULES, Rule, Source

FIELDS = "\n".join(f"    f{i}: int = 0" for i in range(25))

# (rule, path inside the package, source that breaks the rule)
BROKEN: list[tuple[Rule, str, str]] = [
    (house.has_a_floor, "attic/box.py", ""),
    (house.imports_downward, "net/mlp.py", "import genloom.codec.text.codec"),
    (house.imports_downward, "net/mlp.py", "from genloom import family"),
    (house.imports_downward, "net/mlp.py", "from ..train import loop"),
    (house.imports_downward, "net/mlp.py", "from genloom import train"),
    (house.imports_downward, "errors.py", "from genloom.spec import Span"),
    (house.imports_downward, "codec/text/codec.py", "from genloom.family.flow import Flow"),
    (house.imports_downward, "family/flow.py", "from genloom.codec.text.codec import TextCodec"),
    (house.imports_downward, "codec/table/codec.py", "from genloom.data.source import files"),
    (house.imports_downward, "data/source.py", "from genloom.codec.base import Codec"),
    (house.imports_downward, "data/source.py", "from genloom.metric.table import shape_error"),
    (house.imports_downward, "metric/table.py", "from genloom.codec.table.codec import TableCodec"),
    (house.imports_downward, "metric/table.py", "from genloom.family.base import Family"),
    (house.imports_downward, "family/flow.py", "from genloom.metric.images import frechet"),
    (house.imports_downward, "registry.py", "from genloom.recipe import Recipe"),
    (house.imports_downward, "recipe.py", "from genloom.model import Model"),
    (house.imports_downward, "model.py", "from genloom.weights.names import Translation"),
    (house.imports_downward, "train/loop.py", "from genloom.engine.engine import Engine"),
    (house.imports_downward, "engine/engine.py", "from genloom.train.loop import train"),
    (house.imports_downward, "engine/engine.py", "def f():\n    from genloom.train.loop import t"),
    (house.imports_downward, "trust/quality.py", "from genloom import train_model"),
    (house.imports_downward, "api.py", "from genloom.trust.quality import evaluate"),
    (house.imports_downward, "demo/run.py", "from genloom.cli import main"),
    (
        house.imports_downward,
        "net/mlp.py",
        "import importlib\nimportlib.import_module('genloom.api')",
    ),
    (house.loads_bare, "codec/table/codec.py", "import pandas as pd"),
    (
        house.loads_bare,
        "codec/image/codec.py",
        "try:\n    from PIL import Image\nexcept ImportError: ...",
    ),
    (house.loads_bare, "api.py", "class A:\n    import rich"),
    (house.imports_at_the_top, "api.py", "def f():\n    from genloom.spec import Span"),
    (house.imports_at_the_top, "model.py", "def f():\n    from .recipe import Recipe"),
    (house.keeps_libraries_in_place, "train/loop.py", "import torch.distributed as dist"),
    (house.keeps_libraries_in_place, "train/loop.py", "from torch import distributed"),
    (house.keeps_libraries_in_place, "model.py", "import torch\ntorch.distributed.barrier()"),
    (house.keeps_libraries_in_place, "api.py", "def f():\n    import ray"),
    (house.keeps_libraries_in_place, "model.py", "def f():\n    import huggingface_hub"),
    (house.keeps_libraries_in_place, "server/app.py", "import torch"),
    (house.keeps_libraries_in_place, "net/mlp.py", "F.scaled_dot_product_attention(q, k, v)"),
    (house.runs_no_foreign_code, "model.py", "import pickle"),
    (house.runs_no_foreign_code, "cli/show.py", "def f():\n    from marshal import loads"),
    (house.runs_no_foreign_code, "data/rows.py", "keep = eval(condition)"),
    (house.runs_no_foreign_code, "data/rows.py", "run = exec"),
    (house.runs_no_foreign_code, "registry.py", "__import__(name)"),
    (house.runs_no_foreign_code, "model.py", "torch.load(path, weights_only=True)"),
    (house.runs_no_foreign_code, "model.py", "from torch import load"),
    (house.runs_no_foreign_code, "data/rows.py", "open_array(path, allow_pickle=True)"),
    (house.runs_no_foreign_code, "weights/hub.py", "get(name, trust_remote_code=flag)"),
    (house.reads_no_environment, "api.py", "import os\nhome = os.environ.get('GENLOOM_HOME')"),
    (house.reads_no_environment, "train/loop.py", "import os\nos.getenv('RANK')"),
    (house.reads_no_environment, "spec.py", "from os import environ"),
    (house.compares_no_kinds, "api.py", "x = codec.kind == 'table'"),
    (house.compares_no_kinds, "train/loop.py", "if 'adversarial' != family.kind: ..."),
    (house.compares_no_kinds, "engine/engine.py", "y = medium in ('text', 'image')"),
    (house.compares_no_kinds, "cli/train.py", "y = medium not in {'image'}"),
    (house.compares_no_kinds, "trust/quality.py", "match kind:\n    case 'flow': ..."),
    (house.compares_no_kinds, "trust/quality.py", "match k:\n    case 'text' | 'rows': ..."),
    (house.compares_no_kinds, "api.py", "y = codec.media == 'image/png'"),
    (house.compares_no_kinds, "api.py", "y = codec.media.startswith('image/')"),
    (house.is_short, "net/mlp.py", "x = 1\n" * 501),
    (house.is_named_for_what_it_knows, "net/utils.py", ""),
    (house.is_named_for_what_it_knows, "codec/text_helpers.py", ""),
    (house.is_named_for_what_it_knows, "manager/a.py", ""),
    (house.says_what_it_knows, "net/mlp.py", "import torch"),
    (house.has_few_knobs, "net/transformer.py", f"class TransformerConfig:\n{FIELDS}"),
]

# (rule, path, source that looks suspicious and is right)
SOUND: list[tuple[Rule, str, str]] = [
    (
        house.imports_downward,
        "codec/table/codec.py",
        "from genloom.metric.table import shape_error",
    ),
    (
        house.imports_downward,
        "codec/text/codec.py",
        "from .base import Reading\nfrom ..spec import Span",
    ),
    (house.imports_downward, "recipe.py", "from genloom.registry import codecs"),
    (house.imports_downward, "recipes/text.py", "from genloom.recipe import Recipe"),
    (house.imports_downward, "weights/names.py", "from genloom.model import Model"),
    (house.imports_downward, "__init__.py", "from genloom.api import train"),
    (house.imports_downward, "cli/demo.py", "from genloom import __version__, demo"),
    (house.loads_bare, "codec/table/codec.py", "def f():\n    import pandas as pd"),
    (house.loads_bare, "codec/table/codec.py", "if TYPE_CHECKING:\n    import pandas as pd"),
    (house.loads_bare, "api.py", "import torch, numpy, json, os.path\nfrom safetensors import a"),
    (house.loads_bare, "cli/show.py", "import rich"),
    (
        house.imports_at_the_top,
        "registry.py",
        "def f():\n    from genloom.codec.text.codec import T",
    ),
    (house.imports_at_the_top, "cli/train.py", "def f():\n    from genloom.api import train"),
    (house.imports_at_the_top, "api.py", "def f():\n    import pandas"),
    (house.keeps_libraries_in_place, "train/parallel.py", "import torch.distributed as dist"),
    (house.keeps_libraries_in_place, "net/attention.py", "F.scaled_dot_product_attention(q, k, v)"),
    (house.runs_no_foreign_code, "train/loop.py", "net.eval()\nre.compile('a')\njson.load(f)"),
    (house.runs_no_foreign_code, "data/rows.py", "open_array(path, allow_pickle=False)"),
    (house.reads_no_environment, "cli/__init__.py", "import os\nos.environ['GENLOOM_HOME']"),
    (house.compares_no_kinds, "registry.py", "x = kind == 'table'"),
    (house.compares_no_kinds, "codec/where.py", "x = token.kind == 'text'"),
    (house.compares_no_kinds, "codec/image/codec.py", "x = row['text'] if 'text' in row else None"),
    (house.compares_no_kinds, "codec/table/codec.py", "x = span.kind == 'number'"),
    (house.compares_no_kinds, "api.py", "kind = 'table'\nx = codec.kind == kind"),
    (house.is_short, "net/mlp.py", "x = 1\n" * 500),
    (house.is_named_for_what_it_knows, "net/mlp.py", ""),
    (house.says_what_it_knows, "net/__init__.py", "\n"),
    (house.has_few_knobs, "net/transformer.py", f"class TransformerConfig:\n{FIELDS[:-20]}"),
]


def _name(value: object) -> str:
    return getattr(value, "__name__", None) or str(value).replace("\n", "; ")[:48]


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_the_house_keeps(rule: Rule) -> None:
    faults = [fault for source in house.house() for fault in rule(source)]
    assert not faults, "\n".join(["", *faults])


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN, ids=_name)
def test_a_fault_is_seen(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text))), f"{rule.__name__} does not see it: {path}: {text}"


@pytest.mark.parametrize(("rule", "path", "text"), SOUND, ids=_name)
def test_sound_code_passes(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(Source(path, text)))


def test_every_rule_is_proven() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


def test_the_package_is_really_read() -> None:
    sources = {source.path: source for source in house.house()}
    assert "spec.py" in sources and "codec/base.py" in sources
    assert any(there == "spec" for _, there in sources["codec/base.py"].own)


def test_the_transformer_has_a_configuration() -> None:
    """Otherwise the limit on its fields would hold nothing."""
    tree = Source("", (house.PACKAGE / "net" / "transformer.py").read_text("utf-8")).tree
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert any(name.endswith("Config") for name in classes), classes


def test_kinds_are_read_from_the_classes() -> None:
    def declared(text: str) -> set[str]:
        node = ast.parse(text).body[0]
        assert isinstance(node, ast.ClassDef)
        return house._declared(node)

    assert declared("class Tune:\n  kind: ClassVar[str] = 'tune'\n  media = 'audio/midi'") == {
        "tune"
    }
    assert declared("class Flow:\n  kind = 'flow'\n  carries: ClassVar = ArraySpec") == {"flow"}
    assert declared("class Column:\n  kind = 'number'") == set()
    assert {"text", "image", "flow", "adversarial"} <= house.kinds()


def test_names_of_tests_are_unique() -> None:
    """Two files of one name cannot be collected together."""
    names = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []

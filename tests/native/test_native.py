"""The kernels alone: products of odd sizes against plain ones; a stale or absent library."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
import torch

from genloom import native
from genloom.native import build
from genloom.net.quantize_formats import FORMATS, dequantise, quantise, rounded
from genloom.net.quantize_native import PackedWeight, Room, packed_bytes

SIZES = [(96, 40, 5), (16, 128, 1), (17, 33, 3), (300, 256, 70), (48, 200, 9), (5, 7, 2)]


def sets() -> list[int]:
    library = native.kernels()
    found = {library.gl_set_isa(n) for n in range(5)} if library else set()
    if library:
        library.gl_set_isa(-1)
    return sorted(found)


@pytest.fixture(params=sets() or [None], ids=lambda n: "none" if n is None else native.SETS[n])
def kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    library = native.kernels()
    if library is None:
        pytest.skip("no native kernels were built here: torch serves")
    library.gl_set_isa(request.param)
    yield
    library.gl_set_isa(-1)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("gated", [False, True])
def test_products_are_those_of_the_rounded_numbers(kernels, form, gated):
    torch.manual_seed(0)
    for outputs, inputs, rows in SIZES:
        outputs += outputs % 2
        weight, x = torch.randn(outputs, inputs), torch.randn(rows, inputs)
        room = Room(packed_bytes((outputs, inputs), form, gated))
        packed = PackedWeight(weight, form, room, None, gated)
        floats = dequantise(*quantise(weight, form), form)
        torch.testing.assert_close(packed.floats(), floats, atol=0, rtol=0)
        wanted = rounded(x, form).double() @ floats.double().T
        # A number half-way between two whole ones may go either way.
        slack = 1e-4 if form in ("f32", "bf16") else 0.02
        torch.testing.assert_close(packed.product(x).double(), wanted, atol=slack, rtol=1e-4)


@pytest.mark.parametrize("form", FORMATS)
def test_rows_of_a_product_are_independent(kernels, form):
    torch.manual_seed(1)
    weight, x = torch.randn(200, 300), torch.randn(75, 300)
    packed = PackedWeight(weight, form, Room(packed_bytes((200, 300), form, False)), None, False)
    together = packed.product(x)
    for few in (1, 2, 3, 4, 7, 8, 9, 16, 17, 33):
        assert torch.equal(packed.product(x[:few]), together[:few])
    assert torch.equal(packed.product(x[74:]), together[74:])


@pytest.mark.parametrize(("form", "most"), [("int8", 0.008), ("int4", 0.09)])
def test_quantising_loses_little(form, most):
    weight = torch.randn(64, 256, generator=torch.Generator().manual_seed(2))
    back = dequantise(*quantise(weight, form), form)
    assert float((back - weight).norm() / weight.norm()) < most
    assert not dequantise(*quantise(torch.zeros(4, 64), form), form).any()


def loaded(monkeypatch, place) -> str:
    """Why the library at this place is not taken."""
    monkeypatch.setattr(build, "library", lambda: place)
    library, said = native._load.__wrapped__()
    assert library is None
    return said


def test_a_library_that_is_absent_or_broken_is_not_taken(tmp_path, monkeypatch):
    assert "install again" in loaded(monkeypatch, tmp_path / "absent.so")
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"no library")
    assert "do not load" in loaded(monkeypatch, broken)


def test_a_library_of_other_sources_is_not_taken(tmp_path, monkeypatch):
    if native.kernels() is None:
        pytest.skip("no native kernels were built here")
    assert native.status().startswith("native kernels, ")
    place = tmp_path / "copied.so"
    shutil.copy(build.library(), place)
    monkeypatch.setattr(build, "version", lambda: "another")
    assert "older" in loaded(monkeypatch, place)


def test_a_compiler_that_fails_leaves_nothing(tmp_path):
    target = tmp_path / "kernels.so"
    for compiler in ("false", "/nowhere/c++"):
        with pytest.raises(build.CannotBuild):
            build.build(compiler, target)
    assert not target.exists()

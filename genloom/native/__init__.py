"""The CPU kernels as a loaded library, where one was built from the sources that are here.

`kernels()` is None without a library, or with a stale one: then the torch path serves. `status()`
says which and why. Knows no nets; net/quantize_native.py describes them to the kernels.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_size_t, c_void_p
from functools import cache

from genloom.native import build

SETS = ("plain", "AVX2", "AVX-512", "AVX-512 bf16", "AMX")  # as gl_isa numbers them


@cache
def kernels() -> ctypes.CDLL | None:
    """The library, or None where it is absent, foreign or older than its sources."""
    return _load()[0]


def status() -> str:
    """One line for people: which kernels serve, or why there are none."""
    library, fault = _load()
    return fault if library is None else f"native kernels, {SETS[library.gl_isa()]}"


@cache
def _load() -> tuple[ctypes.CDLL | None, str]:
    path = build.library()
    if not path.exists():
        return None, "no native kernels: install again with a C++ compiler at hand"
    try:
        library = ctypes.CDLL(str(path))
        library.gl_version.restype = c_char_p
        made = library.gl_version().decode()
    except (OSError, AttributeError) as error:
        return None, f"the native kernels do not load ({error}): install again"
    if made != build.version():
        return None, "the native kernels are older than their sources: install again"
    _declare(library)
    return library, ""


def _declare(library: ctypes.CDLL) -> None:
    library.gl_set_isa.argtypes = (c_int,)
    library.gl_packed_bytes.argtypes = (c_int, c_int, c_int)
    library.gl_packed_bytes.restype = c_size_t
    library.gl_pack.argtypes = (c_int, c_void_p, c_void_p, c_int, c_int, c_void_p)
    library.gl_pack.restype = None
    library.gl_stack.argtypes = (c_void_p, c_void_p, c_void_p, c_int)
    library.gl_product.argtypes = (c_void_p, c_void_p, c_int, c_void_p, c_int)
    library.gl_fetch.argtypes = (c_void_p, c_void_p, c_int, c_void_p, c_int)
    library.gl_group_norm.argtypes = (c_void_p,)
    library.gl_read.argtypes = (c_void_p, c_size_t, c_int)

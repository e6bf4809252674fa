"""The one switch between the native extension and its pure-Python twin.

``BSONX_IMPL=c`` demands the extension, ``BSONX_IMPL=py`` avoids it; otherwise it is used if it is
there. The modules of the value types take their class by it, :mod:`bsonx._impl` the functions of
the codec; everything else imports from those and does not know which it got.
"""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

__all__ = ["HAS_C", "native_form"]

_F = TypeVar("_F", bound=Callable[..., Any])

_wanted = os.environ.get("BSONX_IMPL", "")
if _wanted not in ("", "c", "py"):
    raise ImportError(f"BSONX_IMPL must be c, py or empty, not {_wanted!r}")


def _load() -> ModuleType | None:
    """Return the extension if it is there and wanted."""
    if _wanted == "py":
        return None
    # Cython has the collector see a class of the extension before it is one.
    collects = gc.isenabled()
    gc.disable()
    try:
        return import_module("bsonx._native")
    except ImportError:
        if _wanted == "c":
            raise
        return None
    finally:
        if collects:
            gc.enable()


_native = _load()
HAS_C: bool = _native is not None


def native_form(function: _F) -> _F:
    """Return the native function of the same name and arguments, or the function itself.

    For the public functions whose call from Python takes longer than a small document.
    """
    form = getattr(_native, function.__name__, None)
    if form is None:
        return function
    functools.update_wrapper(form, function)
    return form  # type: ignore[no-any-return]

"""Coverage-guided fuzzing of bsonx with libFuzzer.

    make fuzz-coverage                              # builds with clang and runs every group
    FUZZ_TARGET=json python tests/fuzz/fuzz_bsonx.py CORPUS...      # libFuzzer's options apply

FUZZ_TARGET names a group of functions in tests/bsonx/fuzz_targets.py. The C runs alone, as fast
as it can, and the sanitizers find its errors; with FUZZ_COMPARE=1 pure Python does the same with
each input, and a difference is an error as well.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import atheris

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "bsonx")]

import fuzz_targets  # noqa: E402

from implementations import tree  # noqa: E402

GROUP = os.environ.get("FUZZ_TARGET", "decode")


class Loaded:
    """An implementation whose modules can be made the ones that imports find."""

    def __init__(self, implementation: str) -> None:
        self.tree = tree(implementation)
        with self.tree.active():
            self.side = fuzz_targets.Side()
        self.modules: dict[str, ModuleType] = self.tree.modules

    def outcome(self, data: bytes) -> object:
        sys.modules.update(self.modules)
        return fuzz_targets.outcome(self.side, GROUP, data)


def alone(native: Loaded) -> None:
    """Set up the run of the native implementation."""
    sys.modules.update(native.modules)
    side, call, is_refusal = native.side, fuzz_targets.call, fuzz_targets.is_refusal

    def test_one_input(data: bytes) -> None:
        if len(data) < 2:
            return
        try:
            call(side, GROUP, data)
        except Exception as error:
            if not is_refusal(GROUP, error):
                raise

    atheris.Setup(sys.argv, test_one_input)


def compared(native: Loaded, pure: Loaded) -> None:
    """Set up the run of both."""

    def test_one_input(data: bytes) -> None:
        if len(data) < 2:
            return
        one = native.outcome(data)
        two = pure.outcome(data)
        if not fuzz_targets.agree(one, two):
            raise AssertionError(f"C {one!r}, pure Python {two!r}")

    atheris.Setup(sys.argv, test_one_input)


def main() -> None:
    native = Loaded("c")
    if os.environ.get("FUZZ_COMPARE", "") in ("", "0"):
        alone(native)
    else:
        compared(native, Loaded("py"))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

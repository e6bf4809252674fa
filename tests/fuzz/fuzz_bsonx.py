"""Coverage-guided fuzzing of the decoder, the OP_MSG parser and json_util, C against pure Python.

    make fuzz-coverage                          # builds with clang, runs FUZZ_SECONDS
    python tests/fuzz/fuzz_bsonx.py CORPUS…     # libFuzzer's options apply

The first byte of an input chooses the target, the second the options; the rest is the data. A
crash is found by the sanitizer; a difference between the implementations is an error as well.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import atheris


def load(implementation: str) -> dict[str, ModuleType]:
    """The package tree of one implementation, taken out of sys.modules again."""
    os.environ["BSONX_IMPL"] = implementation
    names = ("bsonx", "bsonx.op_msg", "bsonx.json_util", "bsonx.raw_bson", "bsonx.codec_options")
    tree = {name.partition(".")[2] or "bsonx": importlib.import_module(name) for name in names}
    for name in [name for name in sys.modules if name.partition(".")[0] == "bsonx"]:
        if name != "bsonx._native":
            del sys.modules[name]
    return tree


C, PY = load("c"), load("py")
assert C["bsonx"].has_c() and not PY["bsonx"].has_c()


def options(tree: dict[str, ModuleType], choice: int) -> Any:
    """One of eight codec options."""
    codec = tree["codec_options"]
    conversions = codec.DatetimeConversion
    return [
        codec.DEFAULT_CODEC_OPTIONS,
        codec.CodecOptions(datetime_conversion=conversions.DATETIME_AUTO),
        codec.CodecOptions(datetime_conversion=conversions.DATETIME_CLAMP, tz_aware=True),
        codec.CodecOptions(datetime_conversion=conversions.DATETIME_MS),
        codec.CodecOptions(uuid_representation=4),
        codec.CodecOptions(uuid_representation=5, unicode_decode_error_handler="replace"),
        codec.CodecOptions(unicode_decode_error_handler="ignore"),
        codec.CodecOptions(document_class=tree["raw_bson"].RawBSONDocument),
    ][choice % 8]


def decode(tree: dict[str, ModuleType], choice: int, data: bytes) -> Any:
    return tree["bsonx"].decode(data, options(tree, choice))


def decode_all(tree: dict[str, ModuleType], choice: int, data: bytes) -> Any:
    return tree["bsonx"].decode_all(data, options(tree, choice))


def round_trip(tree: dict[str, ModuleType], choice: int, data: bytes) -> Any:
    chosen = options(tree, choice)
    return tree["bsonx"].encode(tree["bsonx"].decode(data, chosen), codec_options=chosen)


def message(tree: dict[str, ModuleType], choice: int, data: bytes) -> Any:
    fields = (None, frozenset({"firstBatch", "nextBatch"}))[choice // 8 % 2]
    return tree["op_msg"].decode_message(data, options(tree, choice), fields)


def raw_fields(tree: dict[str, ModuleType], choice: int, data: bytes) -> Any:
    document = tree["raw_bson"].RawBSONDocument(data)
    return list(document.items()), [document[key] for key in document]


def json_loads(tree: dict[str, ModuleType], choice: int, data: bytes) -> Any:
    text = data.decode("utf-8", "surrogatepass" if choice % 2 else "replace")
    return tree["json_util"].loads(text)


def json_dumps(tree: dict[str, ModuleType], choice: int, data: bytes) -> Any:
    value = tree["bsonx"].decode(data, options(tree, 3))
    return tree["json_util"].dumps(value)


Target = Callable[[dict[str, ModuleType], int, bytes], Any]
TARGETS: list[Target] = [
    decode,
    decode_all,
    round_trip,
    message,
    raw_fields,
    json_loads,
    json_dumps,
]


def outcome(
    target: Callable[..., Any], tree: dict[str, ModuleType], choice: int, data: bytes
) -> str:
    """The result's or the exception's text, without what tells the implementations apart."""
    try:
        return repr(target(tree, choice, data))
    except (RecursionError, MemoryError) as error:
        return type(error).__name__
    except (ValueError, TypeError, OverflowError) as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:
        if type(error).__module__ == "bsonx.errors":
            return f"{type(error).__name__}: {error} at {getattr(error, 'offset', None)}"
        raise


def test_one_input(data: bytes) -> None:
    """One input: both implementations must do the same."""
    if len(data) < 2:
        return
    target = TARGETS[data[0] % len(TARGETS)]
    native = outcome(target, C, data[1], data[2:])
    pure = outcome(target, PY, data[1], data[2:])
    if native != pure:
        raise AssertionError(f"{target.__name__}: C {native!r}, pure Python {pure!r}")


def main() -> None:
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

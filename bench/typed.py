"""Typed documents: instances of classes inferred from the benchmark documents.

    python bench/typed.py [--rounds N] [--documents tweet small] [--encode] [--instructions]

For each document and kind of class, the time of `decode(data, type=T)` against `decode(data)` into
dicts; for pydantic against PyMongo's decode followed by `model_validate`, and for msgspec against
`msgspec.msgpack.decode(data, type=T)` of the same content. Ratios above 1 mean that the typed
decode is faster. Then the time of encoding an instance against encoding the equal dict; above 1 the
instance is faster. Contenders run in turn; a figure is the best of the rounds.

--encode leaves out decoding. --instructions counts what encoding takes by callgrind instead (needs
valgrind): no noise moves it.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import bson
import msgspec
import pydantic

import bsonx

sys.path.insert(0, str(Path(__file__).parent))
from documents import JSON_ONLY, load

Fields = dict[str, Any]
Maker = Callable[[str, Fields], Any]


SCALARS = (bool, bytes, datetime.datetime, float, str, type(None))


def infer(value: Any, name: str, make: Maker) -> Any:
    """A type for a decoded value: classes for documents, Any for mixed lists."""
    if isinstance(value, dict):
        if not value:
            return dict[str, Any]
        return make(name, {key: infer(v, f"{name}_{key}", make) for key, v in value.items()})
    if isinstance(value, list):
        return list[infer_items(value, name, make)]  # type: ignore[misc]
    if isinstance(value, int) and not isinstance(value, bool):
        return int
    return type(value) if type(value) in SCALARS else Any


def infer_items(items: list[Any], name: str, make: Maker) -> Any:
    if not items:
        return Any
    if all(isinstance(item, dict) for item in items):
        keys = set(items[0])
        if all(set(item) == keys for item in items):
            return infer(items[0], name, make)
        return dict[str, Any]
    types = {type(item) for item in items}
    return infer(items[0], name, make) if len(types) == 1 else Any


def attribute(key: str) -> str:
    """A name for a field that any kind of class takes."""
    return key if key.isidentifier() and not key.startswith("_") else f"f_{abs(hash(key))}"


def make_msgspec(name: str, fields: Fields) -> Any:
    names = {attribute(key): key for key in fields}
    specs = [(attribute(key), tp) for key, tp in fields.items()]
    return msgspec.defstruct("Doc", specs, rename=names)


def make_dataclass(slots: bool) -> Maker:
    def make(name: str, fields: Fields) -> Any:
        specs = [
            (attribute(key), tp, dataclasses.field(metadata={"bson": key}))
            for key, tp in fields.items()
        ]
        return dataclasses.make_dataclass("Doc", specs, slots=slots)

    return make


def make_attrs(slots: bool) -> Maker:
    def make(name: str, fields: Fields) -> Any:
        specs = {
            attribute(key): attrs.field(type=tp, metadata={"bson": key})
            for key, tp in fields.items()
        }
        return attrs.make_class("Doc", specs, slots=slots)

    return make


def make_pydantic(name: str, fields: Fields) -> Any:
    config = pydantic.ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())
    specs: Any = {
        attribute(key): (tp, pydantic.Field(alias=key) if attribute(key) != key else ...)
        for key, tp in fields.items()
    }
    return pydantic.create_model("Doc", __config__=config, **specs)


MAKERS: dict[str, Maker] = {
    "msgspec": make_msgspec,
    "dataclass": make_dataclass(slots=False),
    "slots": make_dataclass(slots=True),
    "attrs": make_attrs(slots=True),
    "attrs-dict": make_attrs(slots=False),
    "pydantic": make_pydantic,
}


class Struct(msgspec.Struct):
    """A node of the tree in `deep`."""

    left: Struct | str
    right: Struct | str


class Model(pydantic.BaseModel):
    """The same for pydantic."""

    left: Model | str
    right: Model | str


def best(runs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of the quickest call of each, run in turn."""
    found = dict.fromkeys(runs, float("inf"))
    counts = {}
    for name, run in runs.items():
        start = time.perf_counter()
        run()
        counts[name] = max(1, int(0.002 / max(time.perf_counter() - start, 1e-7)))
    for _ in range(rounds):
        for name, run in runs.items():
            count = counts[name]
            start = time.perf_counter()
            for _ in range(count):
                run()
            found[name] = min(found[name], (time.perf_counter() - start) / count)
    return found


def compare(name: str, kind: str, cls: Any, data: bytes, rounds: int) -> None:
    """Time the decoding of one document to instances of one class."""
    runs: dict[str, Callable[[], Any]] = {
        "typed": lambda: bsonx.decode(data, type=cls),
        "dict": lambda: bsonx.decode(data),
    }
    if kind == "pydantic":
        runs["pymongo+pydantic"] = lambda: cls.model_validate(bson.decode(data))
    if kind == "msgspec" and name in JSON_ONLY:
        packed = msgspec.msgpack.encode(bson.decode(data), enc_hook=int)
        decoder = msgspec.msgpack.Decoder(cls)
        runs["msgpack"] = lambda: decoder.decode(packed)
    times = best(runs, rounds)
    line = f"{name:8}{kind:10} {times['typed'] * 1e6:9.2f} us"
    line += f"   dict/typed {times['dict'] / times['typed']:5.2f}"
    for other in ("pymongo+pydantic", "msgpack"):
        if other in times:
            line += f"   {other}/typed {times[other] / times['typed']:5.2f}"
    print(line, flush=True)


def compare_tree(data: bytes, rounds: int) -> None:
    """The document `deep` as the recursive class that a person would write for it."""
    fields = {
        key: dict if isinstance(value, dict) else type(value)
        for key, value in bsonx.decode(data).items()
    }
    for kind, node in (("msgspec", Struct), ("pydantic", Model)):
        cls = MAKERS[kind]("Root", {k: node if t is dict else t for k, t in fields.items()})
        compare("tree", kind, cls, data, rounds)


# ---- encoding ----


def values(name: str, data: bytes) -> dict[str, Any]:
    """The document as a dict, and as an instance of each kind of class."""
    document = bsonx.decode(data)
    found = {"dict": document}
    for kind, make in MAKERS.items():
        found[kind] = bsonx.decode(data, type=infer(document, "Doc", make))
    return found


def print_encoding(name: str, unit: str, figures: dict[str, float]) -> None:
    for kind, figure in figures.items():
        ratio = figures["dict"] / figure
        print(f"encode {name:8}{kind:10} {figure:12,.2f} {unit}   dict/instance {ratio:5.2f}")
    sys.stdout.flush()


def time_encoding(name: str, data: bytes, rounds: int) -> None:
    """Time the encoding of one document as a dict and as instances."""
    runs: dict[str, Callable[[], Any]] = {
        kind: lambda value=value: bsonx.encode(value) for kind, value in values(name, data).items()
    }
    print_encoding(name, "us", {k: t * 1e6 for k, t in best(runs, rounds).items()})


def encode_for_callgrind(name: str) -> None:
    """What callgrind watches: each value is encoded twice, after its class's plan is made."""
    from bsonx.op_msg import encode_message

    for value in values(name, load()[name]).values():
        encode_message(1, 0, {"value": value}, bsonx.CodecOptions())
        bsonx.encode(value)
        bsonx.encode(value)


def count_encoding(name: str) -> None:
    """Print the instructions that encoding takes, from the call of `encode` to its result."""
    kinds = ["dict", *MAKERS]
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        command += ["--toggle-collect=bx_encode", "--dump-after=bx_encode"]
        command += [sys.executable, __file__, "--work", name]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        subprocess.run(command, env=environment, capture_output=True, check=True)
        figures = {}
        for i, kind in enumerate(kinds):
            text = Path(folder, f"out.{2 * i + 2}").read_text()  # of the second time
            counted = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
            assert counted is not None
            figures[kind] = float(counted[1])
    print_encoding(name, "instructions", figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument(
        "--documents", nargs="+", default=["flat", "deep", "full", "tweet", "small"]
    )
    parser.add_argument("--encode", action="store_true")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        encode_for_callgrind(options.work)
        return
    documents = {name: load()[name] for name in options.documents}
    for name, data in documents.items():
        if options.instructions:
            count_encoding(name)
            continue
        if not options.encode:
            for kind, make in MAKERS.items():
                cls = infer(bsonx.decode(data), "Doc", make)
                compare(name, kind, cls, data, options.rounds)
            if name == "deep":
                compare_tree(data, options.rounds)
        time_encoding(name, data, options.rounds)


if __name__ == "__main__":
    main()

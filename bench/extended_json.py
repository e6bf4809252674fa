"""Extended JSON cases: `dumps` and `loads` of PyMongo's json_util and ours in the three modes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import bson
from bson import json_util as theirs

import bsonx
import documents
from bsonx import json_util as ours
from codec import repeat
from interleaved import Case

MODES = ("RELAXED", "CANONICAL", "LEGACY")


def cases() -> Iterator[Case]:
    """Write and read each official document in each mode."""
    for name, data in documents.load().items():
        for mode in MODES:
            yield from mode_cases(name, mode, data)


def mode_cases(name: str, mode: str, data: bytes) -> Iterator[Case]:
    """Both directions of one document in one mode."""
    their_options = getattr(theirs, f"{mode}_JSON_OPTIONS")
    our_options = getattr(ours, f"{mode}_JSON_OPTIONS")
    their_value, our_value = bson.decode(data), bsonx.decode(data)
    text = ours.dumps(our_value, json_options=our_options)
    assert text == theirs.dumps(their_value, json_options=their_options)
    label = f"{name} {mode.lower()}"
    yield Case(
        "dumps",
        label,
        {
            "pymongo": repeat(partial(theirs.dumps, json_options=their_options), their_value),
            "ours": repeat(partial(ours.dumps, json_options=our_options), our_value),
        },
    )
    yield Case(
        "loads",
        label,
        {
            "pymongo": repeat(partial(theirs.loads, json_options=their_options), text),
            "ours": repeat(partial(ours.loads, json_options=our_options), text),
        },
    )

"""Hundreds of expressions give with bsonx what they give with PyMongo: values and errors.

One expression a line in ``expressions/``; the names they use are those of ``package.namespace``.
"""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

import pytest
from package import namespace, outcome

from implementations import CPYTHON

FILES = sorted((Path(__file__).parent / "expressions").glob("*.txt"))


def _lines():
    for file in FILES:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line and not line.startswith("#"):
                yield pytest.param(line, id=f"{file.stem}-{number}")


@functools.cache
def _pymongo():
    return namespace("bson")


@pytest.mark.parametrize("expression", list(_lines()))
def test_same_outcome(bx, expression):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = outcome(expression, _pymongo())
        ours = outcome(expression, namespace("bsonx"))
    if not CPYTHON:
        if "DictGet" in expression:
            pytest.skip("PyMongo's C asks subclasses of dict where the C API is emulated")
        if "out of range" in ours[-1]:  # the words are of the interpreter's datetime
            ours, expected = ours[:2], expected[:2]
    assert ours == expected
    assert expected[1] not in ("NameError", "SyntaxError"), "the expression itself is wrong"

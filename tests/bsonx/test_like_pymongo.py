"""Hundreds of expressions give with bsonx what they give with PyMongo: values and errors.

One expression a line in ``expressions/``; the names they use are those of ``package.namespace``.
"""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

import pytest
from package import namespace, outcome

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
        assert outcome(expression, namespace("bsonx")) == expected
    assert expected[1] not in ("NameError", "SyntaxError"), "the expression itself is wrong"

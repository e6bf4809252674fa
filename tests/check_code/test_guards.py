"""Branches for other versions of PyMongo."""

from __future__ import annotations

import pytest

from .checking import PREAMBLE, check

LINES = PREAMBLE.count("\n")


def found(folder, program):
    findings = check(folder, PREAMBLE + program)
    return [f"{f.line - LINES} {f.severity}" for f in findings]


@pytest.mark.parametrize(
    "program",
    [
        "if pymongo.version_tuple < (4, 0):\n    coll.insert({})",
        "if pymongo.version_tuple[0] >= 4:\n    pass\nelse:\n    coll.insert({})",
        "if (4,) <= pymongo.version_tuple:\n    pass\nelse:\n    coll.insert({})",
        "if pymongo.version.split('.')[0] == '3':\n    coll.insert({})",
        "if int(pymongo.version[0]) < 4:\n    coll.insert({})",
        (
            "from packaging.version import parse\n"
            "if parse(pymongo.version) < parse('4.0'):\n    coll.insert({})"
        ),
        (
            "from importlib.metadata import version\n"
            "OLD = version('pymongo') < '4'\nif OLD:\n    coll.insert({})"
        ),
        (
            "V = tuple(pymongo.version_tuple)[:2]\ndef f():\n"
            "    if not V < (4, 0):\n        return 1\n    coll.insert({})"
        ),
        "coll.insert({}) if pymongo.version_tuple < (4,) else coll.insert_one({})",
        (
            "pymongo.version_tuple < (4,) and f()\n"
            "if pymongo.version_tuple < (4,) and f():\n    coll.insert({})"
        ),
        "if hasattr(pymongo, 'Connection'):\n    pymongo.Connection()",
        (
            "try:\n    from bson.binary import Binary\nexcept ImportError:\n"
            "    from pymongo.binary import Binary"
        ),
        "def f():\n    return 1\n    coll.insert({})",
        "if False:\n    from pymongo import SON",
        "if 0:\n    coll.insert({})\nelif True:\n    pass\nelse:\n    coll.insert({})",
        "x = coll.insert({}) if False else 1",
        "@unittest.skipIf(pymongo.version_tuple >= (4,), 'old')\n"
        "class A:\n    def f(self):\n        coll.insert({})",
        "@pytest.mark.skipif(pymongo.version_tuple >= (4,), reason='old')\n"
        "def test():\n    coll.insert({})",
        "@skipUnless(pymongo.version_tuple < (4,), 'old')\ndef test():\n    coll.insert({})",
    ],
)
def test_what_is_for_other_versions_is_not_reported(tmp_path, program):
    assert found(tmp_path, program) == []


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            (
                "try:\n    from pymongo.errors import NotMasterError\n"
                "except ImportError:\n    NotMasterError = None"
            ),
            "2 note",
        ),
        ("try:\n    X = pymongo.GEOHAYSTACK\nexcept AttributeError:\n    X = None", "2 note"),
        ("if hasattr(coll, 'insert'):\n    coll.insert({})", "2 note"),
        (
            (
                "def f():\n    if hasattr(coll, 'insert_one'):\n        return 1\n"
                "    coll.insert({})"
            ),
            "4 error",
        ),
        ("if not hasattr(coll, 'insert_one'):\n    coll.insert({})", "2 error"),
        (
            ("from x import PYMONGO_VERSION\nif PYMONGO_VERSION < (4,):\n    coll.insert({})"),
            "3 note",
        ),
        (
            (
                "from x import IS_PYMONGO_3\ndef f():\n    if not IS_PYMONGO_3:\n"
                "        return\n    coll.insert({})"
            ),
            "5 note",
        ),
        ("from x import version\nif version < 4:\n    coll.insert({})", "3 error"),
        ("try:\n    coll.insert({})\nexcept Exception:\n    pass", "2 error"),
        ("try:\n    import x\n    coll.insert({})\nexcept ImportError:\n    pass", "3 error"),
        (
            (
                "try:\n    from pymongo.ismaster import A\nexcept ImportError:\n"
                "    from pymongo.binary import B"
            ),
            "2 note",
        ),
        (
            (
                "try:\n    from pymongo.common import _UUID_REPRESENTATIONS\n"
                "except ImportError:\n    pass"
            ),
            "2 warning",
        ),
        ("@skipIf(PYMONGO_VERSION < f(), '')\ndef test():\n    coll.insert({})", "3 note"),
        ("@skipIf(f(), '')\nclass A:\n    def f(self):\n        coll.insert({})", "4 error"),
        ("if PYMONGO_VERSION < f():\n    def g():\n        coll.insert({})", "3 note"),
        ("if TYPE_CHECKING:\n    from pymongo.binary import Binary", "2 note"),
        ("if pymongo.version_tuple > f():\n    coll.insert({})", "2 note"),
        ("try:\n    pass\nexcept (AttributeError, KeyError):\n    coll.insert({})", "4 error"),
    ],
)
def test_what_may_be_for_other_versions_is_a_note(tmp_path, program, expected):
    assert expected in found(tmp_path, program)
    assert len(found(tmp_path, program)) <= 2

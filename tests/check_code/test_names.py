"""Modules, classes, functions and constants: imported by any way, under any alias."""

from __future__ import annotations

import pytest

from .checking import check, told

GONE = "is gone in PyMongo 4"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import pymongo.objectid", "1 error removed pymongo.objectid is gone in PyMongo 4"),
        ("from pymongo import son", "1 error removed pymongo.son is gone in PyMongo 4"),
        (
            "from pymongo.objectid import ObjectId",
            "1 error removed pymongo.objectid is gone in PyMongo 4",
        ),
        (
            "from pymongo.errors import NotMasterError as N",
            "1 error removed pymongo.errors.NotMasterError is gone in PyMongo 4",
        ),
        (
            "import pymongo as pm\nx = pm.errors.NotMasterError",
            "2 error removed pymongo.errors.NotMasterError is gone in PyMongo 4",
        ),
        (
            (
                "import pymongo.errors\ntry:\n    f()\n"
                "except pymongo.errors.CertificateError:\n    pass"
            ),
            "4 error removed pymongo.errors.CertificateError is gone in PyMongo 4",
        ),
        ("import pymongo\npymongo.Connection()", f"2 error removed pymongo.Connection {GONE}"),
        ("import bson\nbson.dumps({})", "2 error removed bson.dumps is gone in PyMongo 4"),
        (
            "from bson.binary import UUIDLegacy",
            "1 error removed bson.binary.UUIDLegacy is gone in PyMongo 4",
        ),
        (
            "from pymongo.encryption import Algorithm\nAlgorithm.RANGEPREVIEW",
            "2 error removed pymongo.encryption.Algorithm.RANGEPREVIEW is gone in PyMongo 4",
        ),
        (
            "from pymongo.encryption import Algorithm\nAlgorithm.TEXTPREVIEW",
            "2 warning deprecated pymongo.encryption.Algorithm.TEXTPREVIEW is deprecated",
        ),
        (
            "from bson import SON\nSON.has_key",
            "2 warning deprecated bson.SON.has_key is deprecated",
        ),
        (
            "from pymongo.nowhere import a, b",
            "1 error unsupported there is no pymongo.nowhere.a here",
        ),
        (
            "from mongodriver import MongoCliet",
            "1 error unsupported there is no pymongo.MongoCliet here",
        ),
        (
            "from pymongo.common import _UUID_REPRESENTATIONS",
            "1 warning private pymongo.common._UUID_REPRESENTATIONS is private; it is here",
        ),
        (
            "from pymongo.cursor import _nonsense",
            "1 error private pymongo.cursor._nonsense is private, and not here",
        ),
        (
            "from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase",
            "1 warning deprecated Motor is deprecated",
        ),
        ("import gridfs\ngridfs.Nothing", "2 error unsupported there is no gridfs.Nothing here"),
        (
            "from pymongo.collection import Collection\nold = Collection.insert",
            "2 error removed Collection.insert is gone in PyMongo 4",
        ),
    ],
)
def test_a_name_that_is_found(tmp_path, program, expected):
    assert told(check(tmp_path, program)) == [expected]


@pytest.mark.parametrize(
    "program",
    [
        "import pymongo, bson, gridfs\nfrom pymongo.errors import PyMongoError",
        "from bson import ObjectId, SON, json_util\nfrom bson.son import SON\nSON().to_dict()",
        "from pymongo.synchronous.collection import Collection",
        "from pymongo.asynchronous.mongo_client import AsyncMongoClient",
        "import mongodriver.local, mongodriver.gridfs\nmongodriver.gridfs.GridFS",
        "from mongodriver.local import LocalServer\nimport bsonx.typed",
        "from pymongo import *\nMongoClient, ASCENDING",
        "from .pymongo import anything\nfrom . import bson",
        f"import pymongo\nfrom {'.' * 99} import a",
        "import pymongo_inmemory, bsonsearch, gridfsync",
        "from bson.codec_options import CodecOptions\nCodecOptions()._asdict()",
        "import pymongo\nprint(pymongo.version, pymongo.version_tuple[0], pymongo.__doc__)",
    ],
)
def test_a_name_that_is_all_right(tmp_path, program):
    assert told(check(tmp_path, program)) == []


def test_the_remedy_says_what_to_write(tmp_path):
    program = """\
        from pymongo.errors import NotMasterError
        from pymongo.son import SON
        from pymongo.topology_description import ConfigurationError
        from pymongo import MongoCliet
        """
    assert [finding.remedy for finding in check(tmp_path, program)] == [
        "use NotPrimaryError",
        "the module is bson.son",
        "import it from pymongo.errors",
        "is pymongo.MongoClient meant?",
    ]


def test_a_module_of_the_program_that_has_the_same_name(tmp_path):
    (tmp_path / "bson.py").write_text("def dumps(document): ...")
    assert told(check(tmp_path, "import bson\nbson.dumps({})")) == []


def test_the_place_is_the_name(tmp_path):
    program = "import pymongo\nä = (pymongo\n  .errors.NotMasterError)\n'ä', pymongo.OFF\n"
    found = check(tmp_path, program)
    assert [(f.line, f.column) for f in found] == [(3, 11), (4, 14)]

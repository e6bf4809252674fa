"""Preferences, concerns, collations and the other small values, as PyMongo's."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from oracle import assert_same

from mongodriver.collation import Collation
from mongodriver.driver_info import DriverInfo
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import Nearest, Primary, SecondaryPreferred
from mongodriver.server_api import ServerApi
from mongodriver.write_concern import WriteConcern

PREFERENCE_ARGUMENTS = [
    "",
    "[{'a': 'b'}]",
    "[{'a': 'b'}, {}], 90",
    "[{}]",
    "[]",
    "None",
    "{'a': 1}",
    "'x'",
    "[1]",
    "({'a': 'b'},)",
    "None, -1",
    "None, 0",
    "None, 120",
    "None, 1.5",
    "None, 'a'",
    "None, None",
    "None, True",
    "None, -2",
    "None, 120, {'enabled': True}",
    "None, -1, {}",
    "None, -1, 1",
]

PREFERENCE_ATTRIBUTES = [
    "document",
    "hedge",
    "max_staleness",
    "min_wire_version",
    "mode",
    "mongos_mode",
    "name",
    "tag_sets",
]


@pytest.mark.parametrize("arguments", PREFERENCE_ARGUMENTS)
@pytest.mark.parametrize(
    "name", ["Primary", "PrimaryPreferred", "Secondary", "SecondaryPreferred", "Nearest"]
)
def test_read_preferences(name: str, arguments: str) -> None:
    call = f"read_preferences.{name}({arguments})"
    assert_same(call)
    for attribute in PREFERENCE_ATTRIBUTES:
        assert_same(f"{call}.{attribute}")


@pytest.mark.parametrize(
    "expression",
    [
        "read_preferences.Primary() == read_preferences.Primary()",
        "read_preferences.Primary() != read_preferences.Secondary()",
        "read_preferences.Secondary() == read_preferences.Nearest()",
        "read_preferences.Secondary([{'a': 'b'}]) == read_preferences.Secondary([{'a': 'b'}])",
        "read_preferences.Primary() == 1",
        "read_preferences.Primary().__eq__(1)",
        "hash(read_preferences.Primary())",
        "setattr(read_preferences.Primary(), 'mode', 1)",
        "setattr(read_preferences.Primary(), 'other', 1)",
        "read_preferences.ReadPreference.PRIMARY",
        "read_preferences.ReadPreference.NEAREST",
        "read_preferences.make_read_preference(0, None)",
        "read_preferences.make_read_preference(0, [{}])",
        "read_preferences.make_read_preference(0, [{'a': 'b'}])",
        "read_preferences.make_read_preference(0, None, 90)",
        "read_preferences.make_read_preference(2, [{'a': 'b'}], 90)",
        "read_preferences.make_read_preference(5, None)",
        "read_preferences.make_read_preference('a', None)",
        "read_preferences.read_pref_mode_from_name('nearest')",
        "read_preferences.read_pref_mode_from_name('NEAREST')",
        "read_preferences._MONGOS_MODES",
        "read_preferences._ServerMode(2)",
    ],
)
def test_read_preferences_otherwise(expression: str) -> None:
    assert_same(expression)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "1",
        "0",
        "'majority'",
        "2, 1000",
        "w=-1",
        "w=1.5",
        "w=True",
        "w='5'",
        "w=[]",
        "wtimeout=0",
        "wtimeout=-1",
        "wtimeout='a'",
        "wtimeout=1.5",
        "j=True",
        "j=False",
        "j=1",
        "fsync=True",
        "fsync=1",
        "j=True, fsync=True",
        "j=False, fsync=True",
        "w=0, j=True",
        "w=0, j=False",
        "w='a', wtimeout=5, j=True",
    ],
)
def test_write_concerns(arguments: str) -> None:
    call = f"write_concern.WriteConcern({arguments})"
    assert_same(call)
    for attribute in ("document", "acknowledged", "is_server_default"):
        assert_same(f"{call}.{attribute}")


@pytest.mark.parametrize(
    "expression",
    [
        "write_concern.WriteConcern(1) == write_concern.WriteConcern(1)",
        "write_concern.WriteConcern(1) == 1",
        "write_concern.WriteConcern(1).__ne__(1)",
        "write_concern.WriteConcern(1) != write_concern.WriteConcern()",
        "hash(write_concern.WriteConcern())",
        "write_concern.DEFAULT_WRITE_CONCERN",
        "read_concern.ReadConcern()",
        "read_concern.ReadConcern('majority')",
        "read_concern.ReadConcern('majority').document",
        "read_concern.ReadConcern('').document",
        "read_concern.ReadConcern('local').ok_for_legacy",
        "read_concern.ReadConcern('majority').ok_for_legacy",
        "read_concern.ReadConcern(1)",
        "read_concern.ReadConcern('a') == read_concern.ReadConcern('a')",
        "read_concern.ReadConcern('a') == 'a'",
        "hash(read_concern.ReadConcern())",
        "read_concern.DEFAULT_READ_CONCERN",
        "collation.Collation('en', True, 'upper', 3, True, 'shifted', 'punct', True, True)",
        "collation.Collation('en', foo=3).document",
        "collation.Collation('en', strength='1').document",
        "collation.Collation('en', strength='x')",
        "collation.Collation('en', caseLevel=1)",
        "collation.Collation('en', caseFirst=1)",
        "collation.Collation(None)",
        "collation.Collation('en') == collation.Collation('en')",
        "collation.Collation('en') != collation.Collation('fr')",
        "collation.Collation('en') == 1",
        "hash(collation.Collation('en'))",
        "collation.validate_collation_or_none(None)",
        "collation.validate_collation_or_none(collation.Collation('en'))",
        "collation.validate_collation_or_none({'locale': 'en'})",
        "collation.validate_collation_or_none(1)",
        "driver_info.DriverInfo('a')",
        "driver_info.DriverInfo('a', 'b', 'c')",
        "driver_info.DriverInfo('a|b')",
        "driver_info.DriverInfo('a', '1|2')",
        "driver_info.DriverInfo('a', platform=5)",
        "driver_info.DriverInfo(1)",
        "driver_info.DriverInfo('a')._replace(version='2')",
        "driver_info.DriverInfo._fields",
        "vars(server_api.ServerApi('1', True, False))",
        "server_api.ServerApi('2')",
        "server_api.ServerApi('1', strict=1)",
        "server_api.ServerApi('1', deprecation_errors='x')",
        "server_api.ServerApi('1') == server_api.ServerApi('1')",
    ],
)
def test_other_values(expression: str) -> None:
    assert_same(expression)


@pytest.mark.parametrize(
    "value",
    [
        Primary(),
        Nearest([{"a": "b"}], 90),
        SecondaryPreferred(),
        WriteConcern("majority", 5, True),
        ReadConcern("local"),
        Collation("en", strength=2),
        DriverInfo("a", "1"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_pickles_and_copies_are_equal(value: Any) -> None:
    for other in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert other == value
        assert repr(other) == repr(value)


def test_documents_are_the_callers_own() -> None:
    for value in (WriteConcern(1), Collation("en")):
        value.document["x"] = 1
        assert "x" not in value.document


def test_server_api_is_added_to_commands() -> None:
    command: dict[str, Any] = {"ping": 1}
    ServerApi("1", strict=True).add_to_command(command)
    assert command == {"ping": 1, "apiVersion": "1", "apiStrict": True}


def test_moving_average() -> None:
    for expression in ("1.0, 2.0, 0.5", "0, 1", "", "1, -1"):
        code = f"""[average.add_sample(sample) or average.get()
            for average in [read_preferences.MovingAverage()] for sample in [{expression}]]"""
        assert_same(" ".join(code.split()))

"""server-selection and max-staleness: the specifications' own tests."""

from __future__ import annotations

import datetime
from collections import Counter
from random import Random
from typing import Any

import pytest

from mongodriver.errors import ConfigurationError
from mongodriver.hello import Hello
from mongodriver.read_preferences import (
    _ServerMode,
    make_read_preference,
    read_pref_mode_from_name,
)
from mongodriver.sdam.server_selection import pick, select
from mongodriver.sdam.topology_description import TopologyDescription, TopologySettings
from mongodriver.sdam.topology_rules import TOPOLOGY_TYPE
from mongodriver.values.address import Address, partition_node
from mongodriver.values.round_trips import RoundTrips
from mongodriver.values.server_description import ServerDescription
from specs import load, spec_files

_UTC = datetime.UTC

_HELLO: dict[str, dict[str, Any]] = {
    "Unknown": {},
    "PossiblePrimary": {},
    "Mongos": {"msg": "isdbgrid"},
    "Standalone": {},
    "LoadBalancer": {"serviceId": 1},
    "RSPrimary": {"setName": "rs", "isWritablePrimary": True},
    "RSSecondary": {"setName": "rs", "secondary": True},
    "RSArbiter": {"setName": "rs", "arbiterOnly": True},
    "RSOther": {"setName": "rs", "hidden": True},
    "RSGhost": {"isreplicaset": True},
}


def _number(value: Any) -> Any:
    return int(value["$numberLong"]) if isinstance(value, dict) else value


def _server(document: dict[str, Any]) -> ServerDescription:
    address = partition_node(document["address"])
    kind = document["type"]
    if kind in ("Unknown", "PossiblePrimary"):
        return ServerDescription(address)
    reply: dict[str, Any] = {
        "ok": 1,
        "minWireVersion": 0,
        "maxWireVersion": document.get("maxWireVersion", 21),
        "tags": document.get("tags", {}),
        **_HELLO[kind],
    }
    if "lastWrite" in document:
        seconds = _number(document["lastWrite"]["lastWriteDate"]) / 1000
        date = datetime.datetime.fromtimestamp(seconds, _UTC).replace(tzinfo=None)
        reply["lastWrite"] = {"lastWriteDate": date}
    rtt = document.get("avg_rtt_ms")
    server = ServerDescription(address, Hello(reply), None if rtt is None else rtt / 1000)
    if "lastUpdateTime" in document:
        server._last_update_time = _number(document["lastUpdateTime"]) / 1000
    return server


def _topology(test: dict[str, Any]) -> TopologyDescription:
    document = test["topology_description"]
    servers = {s.address: s for s in map(_server, document["servers"])}
    settings = TopologySettings(
        tuple(servers), heartbeat_frequency=test.get("heartbeatFrequencyMS", 10_000) / 1000
    )
    kind = getattr(TOPOLOGY_TYPE, document["type"])
    name = "rs" if document["type"].startswith("ReplicaSet") else None
    return TopologyDescription(kind, servers, name, None, None, settings)


def _preference(document: dict[str, Any]) -> _ServerMode:
    mode = document.get("mode", "primary")
    tag_sets = document.get("tag_sets")
    if tag_sets == [{}]:
        tag_sets = None
    return make_read_preference(
        read_pref_mode_from_name(mode[0].lower() + mode[1:]),
        tag_sets,
        document.get("maxStalenessSeconds", -1),
    )


def _addresses(documents: list[dict[str, Any]]) -> set[Address]:
    return {partition_node(document["address"]) for document in documents}


def _run(test: dict[str, Any]) -> None:
    topology = _topology(test)
    selector = None if test.get("operation") == "write" else _preference(test["read_preference"])
    deprioritized = [_server(s) for s in test.get("deprioritized_servers", [])]

    def chosen(local_threshold_ms: float) -> set[Address]:
        servers = select(
            topology,
            selector,
            deprioritized=deprioritized,
            local_threshold_ms=local_threshold_ms,
        )
        return {server.address for server in servers}

    assert chosen(1e9) == _addresses(test["suitable_servers"])
    assert chosen(15) == _addresses(test["in_latency_window"])


@pytest.mark.parametrize("path", spec_files("server-selection/server_selection"))
def test_server_selection(path: Any) -> None:
    _run(load(path))


@pytest.mark.parametrize("path", spec_files("max-staleness"))
def test_max_staleness(path: Any) -> None:
    test = load(path)
    if test.get("error"):
        with pytest.raises((ConfigurationError, ValueError)):
            _run({"suitable_servers": [], "in_latency_window": [], **test})
    else:
        _run(test)


@pytest.mark.parametrize("path", spec_files("server-selection/rtt"))
def test_round_trip_time(path: Any) -> None:
    test = load(path)
    average = RoundTrips()
    if test["avg_rtt_ms"] != "NULL":
        average.add_sample(test["avg_rtt_ms"])
    average.add_sample(test["new_rtt_ms"])
    assert average.get() == pytest.approx(test["new_avg_rtt"])


@pytest.mark.parametrize("path", spec_files("server-selection/in_window"))
def test_in_window(path: Any) -> None:
    test = load(path)
    topology = _topology(test)
    counts = {
        partition_node(state["address"]): state["operation_count"]
        for state in test["mocked_topology_state"]
    }
    draw = Random(20240229).sample
    suitable = select(topology, _preference({"mode": "nearest"}))
    picks = Counter(pick(suitable, counts, draw).address for _ in range(test["iterations"]))
    tolerance = test["outcome"]["tolerance"]
    for name, share in test["outcome"]["expected_frequencies"].items():
        actual = picks[partition_node(name)] / test["iterations"]
        if share in (0, 1):
            assert actual == share, name
        else:
            assert abs(actual - share) <= tolerance, name

"""Hello, ServerDescription, TopologyDescription and selections, as PyMongo's."""

from __future__ import annotations

import datetime
import pickle
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from oracle import OURS, THEIRS, assert_same, outcome

from bsonx.objectid import ObjectId
from mongodriver.errors import ConfigurationError
from mongodriver.hello import Hello
from mongodriver.read_preferences import Nearest, Secondary
from mongodriver.sdam.server_selection import in_latency_window, pick, select
from mongodriver.sdam.topology_description import (
    TOPOLOGY_TYPE,
    TopologyDescription,
    TopologySettings,
    load_balancer,
)
from mongodriver.sdam.topology_rules import compare_versions
from mongodriver.values.server_description import ServerDescription

FULL: dict[str, Any] = {
    "ok": 1,
    "setName": "rs",
    "isWritablePrimary": True,
    "hosts": ["A:1", "b:2"],
    "passives": ["c:3"],
    "arbiters": ["D"],
    "setVersion": 2,
    "me": "A:1",
    "primary": "A:1",
    "tags": {"a": "b"},
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "logicalSessionTimeoutMinutes": 30,
    "maxBsonObjectSize": 5,
    "maxMessageSizeBytes": 7,
    "maxWriteBatchSize": 3,
    "lastWrite": {"lastWriteDate": datetime.datetime(2020, 1, 1, 0, 0, 0, 5000)},
    "topologyVersion": {"processId": 1, "counter": 5},
    "$clusterTime": {"clusterTime": 1},
    "compression": ["zlib"],
    "connectionId": 4,
    "saslSupportedMechs": ["x"],
    "speculativeAuthenticate": {"a": 1},
    "helloOk": True,
}

REPLIES: list[dict[str, Any]] = [
    {},
    {"ok": 1},
    {"ok": 0, "isWritablePrimary": True},
    {"ok": 1, "isWritablePrimary": True, "maxWireVersion": 17},
    {"ok": 1, "ismaster": True},
    {"ok": 1, "msg": "isdbgrid", "maxWireVersion": 17},
    FULL,
    {"ok": 1, "setName": "rs", "secondary": True, "hosts": ["a"]},
    {"ok": 1, "setName": "rs", "secondary": True, "hidden": True},
    {"ok": 1, "setName": "rs", "arbiterOnly": True},
    {"ok": 1, "setName": "rs", "arbiterOnly": True, "isWritablePrimary": True},
    {"ok": 1, "setName": "rs"},
    {"ok": 1, "isreplicaset": True},
    {"ok": 1.0, "serviceId": 5, "isWritablePrimary": True},
    {"ok": 1, "hosts": ["[::1]:5", "h"]},
]

HELLO_ATTRIBUTES = [name for name in dir(Hello) if not name.startswith("_")]
SERVER_ATTRIBUTES = [
    name
    for name in dir(ServerDescription)
    if not name.startswith("_") and name not in ("to_unknown", "last_update_time")
]


@pytest.mark.parametrize("reply", REPLIES, ids=str)
def test_hello(reply: dict[str, Any]) -> None:
    for name in HELLO_ATTRIBUTES:
        assert_same(f"hello.Hello(reply).{name}", reply=reply)


@pytest.mark.parametrize("reply", REPLIES, ids=str)
def test_server_description(reply: dict[str, Any]) -> None:
    made = "server_description.ServerDescription(('h', 1), hello.Hello(reply), 0.012)"
    assert_same(made, reply=reply)
    for name in SERVER_ATTRIBUTES:
        assert_same(f"{made}.{name}", reply=reply)


@pytest.mark.parametrize(
    "expression",
    [
        "server_description.ServerDescription(('h', None))",
        "server_description.ServerDescription(('h', 1), error=ValueError('x'))",
        "hash(server_description.ServerDescription(('h', 1)))",
        "server_description.ServerDescription(('h', 1)).__eq__(1)",
        "server_description.ServerDescription(('h', 1), error=errors.OperationFailure('x', 1, "
        "{'topologyVersion': {'processId': 1, 'counter': 2}})).topology_version",
        "server_description.ServerDescription(('h', 1), error=errors.NotPrimaryError('x', "
        "{'topologyVersion': {'processId': 1}})).topology_version",
        "server_description.ServerDescription(('h', 1), hello.Hello(FULL)).to_unknown()",
        "server_description.ServerDescription(('h', 1), hello.Hello(FULL)).to_unknown("
        "ValueError('q')).topology_version",
    ],
)
def test_server_description_otherwise(expression: str) -> None:
    assert_same(expression, FULL=FULL)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"tags": {}},
        {"lastWrite": {"lastWriteDate": datetime.datetime(2021, 1, 1)}},
        {"maxBsonObjectSize": 9},
        {"topologyVersion": None},
        {"me": "x"},
        {"hosts": ["A:1"]},
        {"maxWireVersion": 22},
        {"logicalSessionTimeoutMinutes": 22},
        {"primary": "q"},
        {"electionId": 1},
        {"setVersion": None},
        {"$clusterTime": None},
        {"setName": "other"},
        {"isWritablePrimary": False, "secondary": True},
    ],
    ids=str,
)
def test_what_makes_two_descriptions_differ(change: dict[str, Any]) -> None:
    sd = "server_description.ServerDescription"
    one = f"{sd}(('h', 1), hello.Hello(FULL), 1)"
    other = f"{sd}(('h', 1), hello.Hello(dict(FULL, **change)), 2)"
    for operator in ("==", "!="):
        assert_same(f"{one} {operator} {other}", FULL=FULL, change=change)


def _settings(package: SimpleNamespace, seeds: int = 1) -> Any:
    """Return settings both sides read: PyMongo's own class wants more than is needed here."""
    topology_id = package.objectid.ObjectId("a" * 24)
    return SimpleNamespace(
        seeds=[("a", 27017)] * seeds,
        heartbeat_frequency=10,
        local_threshold_ms=15,
        topology_id=topology_id,
        _topology_id=topology_id,
        srv_max_hosts=0,
        _srv_max_hosts=0,
    )


def _member(package: SimpleNamespace, **changes: Any) -> Any:
    reply: dict[str, Any] = {
        "ok": 1,
        "setName": "rs",
        "hosts": ["a", "b", "c"],
        "maxWireVersion": 17,
        "logicalSessionTimeoutMinutes": 30,
        **changes,
    }
    for name in [name for name, value in reply.items() if value is None]:
        del reply[name]
    if "electionId" in reply:
        reply["electionId"] = package.objectid.ObjectId(reply["electionId"] * 24)
    return package.hello.Hello(reply)


PRIMARY = {"isWritablePrimary": True, "setVersion": 1, "electionId": "0"}
SECONDARY = {"secondary": True}
CHANGES: list[dict[str, Any] | None] = [
    None,
    PRIMARY,
    SECONDARY,
    {**PRIMARY, "hosts": ["a"]},
    {**PRIMARY, "setName": "other"},
    {**PRIMARY, "me": "x:1"},
    {**PRIMARY, "hosts": ["b:1", "x"]},
    {**SECONDARY, "setName": "other"},
    {**SECONDARY, "me": "x:1"},
    {"arbiterOnly": True},
    {"setName": None, "hosts": None},
    {"setName": None, "hosts": None, "msg": "isdbgrid"},
    {"setName": None, "isreplicaset": True},
    {**PRIMARY, "maxWireVersion": 8},
    {**PRIMARY, "minWireVersion": 30, "maxWireVersion": 31},
]


def _transition(package: SimpleNamespace, kind: int, name: str | None, change: Any) -> str:
    sd, td = package.server_description.ServerDescription, package.topology_description
    servers = {("a", 27017): sd(("a", 27017)), ("b", 27017): sd(("b", 27017))}
    before = td.TopologyDescription(kind, servers, name, None, None, _settings(package))
    hello = None if change is None else _member(package, **change)
    return outcome(
        "[f(updated(before, server)) for f in (repr, *reads)]",
        package,
        updated=td.updated_topology_description,
        before=before,
        server=sd(("a", 27017), hello, 0.01),
        reads=[
            lambda t: (t.replica_set_name, t.max_set_version, str(t.max_election_id)),
            lambda t: (t.logical_session_timeout_minutes, t.common_wire_version),
            lambda t: (t.topology_type, t.topology_type_name, t.has_known_servers),
            lambda t: (t.has_writable_server(), t.has_readable_server()),
            lambda t: t.has_readable_server(package.read_preferences.Secondary()),
            lambda t: t.check_compatible() if "8" not in repr(change) else None,
        ],
    )


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("kind", TOPOLOGY_TYPE, ids=TOPOLOGY_TYPE._fields)
def test_transitions(kind: int, change: Any) -> None:
    name = "rs" if kind in (1, 2) else None
    assert _transition(OURS, kind, name, change) == _transition(THEIRS, kind, name, change)


def _replica_set(package: SimpleNamespace) -> Any:
    sd, td = package.server_description.ServerDescription, package.topology_description
    empty = {("a", 27017): sd(("a", 27017))}
    topology = td.TopologyDescription(2, empty, "rs", None, None, _settings(package))
    for host, reply, rtt in (
        ("a", PRIMARY, 0.01),
        ("b", {**SECONDARY, "tags": {"dc": "x"}}, 0.02),
        ("c", SECONDARY, 0.5),
    ):
        server = sd((host, 27017), _member(package, **reply), rtt)
        topology = td.updated_topology_description(topology, server)
    return topology


SELECTORS = [
    "read_preferences.Primary()",
    "read_preferences.PrimaryPreferred()",
    "read_preferences.Secondary()",
    "read_preferences.SecondaryPreferred()",
    "read_preferences.Nearest()",
    "read_preferences.Nearest([{'dc': 'x'}])",
    "read_preferences.Secondary([{'dc': 'z'}, {}])",
    "read_preferences.Nearest(None, 10)",
    "read_preferences.Nearest(None, 50)",
    "server_selectors.writable_server_selector",
    "server_selectors.any_server_selector",
    "server_selectors.readable_server_selector",
    "server_selectors.secondary_server_selector",
    "server_selectors.arbiter_server_selector",
    "server_selectors.writable_preferred_server_selector",
]


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize(
    "arguments",
    [
        "",
        ", ('b', 27017)",
        ", ('q', 27017)",
        ", custom_selector=lambda servers: []",
        ", custom_selector=lambda servers: [s for s in servers if s.address[0] != 'a']",
        ", deprioritized_servers=[t.server_descriptions()[('b', 27017)]]",
        ", deprioritized_servers=list(t.server_descriptions().values())",
    ],
)
def test_selection(selector: str, arguments: str) -> None:
    expression = f"sorted(s.address for s in t.apply_selector({selector}{arguments}))"
    assert outcome(expression, OURS, t=_replica_set(OURS)) == outcome(
        expression, THEIRS, t=_replica_set(THEIRS)
    )


@pytest.mark.parametrize(
    "expression",
    [
        "t.reset()",
        "t.reset_server(('a', 27017))",
        "t.reset_server(('q', 1))",
        "t.has_server(('a', 27017))",
        "t.has_readable_server('x')",
        "t.heartbeat_frequency",
        "sorted(s.address for s in t.known_servers)",
        "sorted(s.address for s in t.readable_servers)",
        "sorted(s.address for s in t.candidate_servers)",
        "[s.topology_type, s.heartbeat_frequency, s.primary, bool(s), s.common_wire_version]",
        "s.primary_selection.server_descriptions",
        "bool(s.with_server_descriptions([]))",
        "server_selectors.apply_tag_sets([{'dc': 'q'}, {'dc': 'x'}], s).server_descriptions",
        "server_selectors.apply_tag_sets([{'dc': 'q'}], s).server_descriptions",
        "server_selectors.apply_single_tag_set({'dc': 'x'}, s).server_descriptions",
        "max_staleness_selectors.select(10, s)",
        "max_staleness_selectors.select(50, s)",
    ],
)
def test_topology_otherwise(expression: str) -> None:
    def run(package: SimpleNamespace) -> str:
        topology = _replica_set(package)
        selection = package.server_selectors.Selection.from_topology_description(topology)
        return outcome(expression, package, t=topology, s=selection)

    assert run(OURS) == run(THEIRS)


def _ours(**changes: Any) -> TopologyDescription:
    settings = TopologySettings([("a", 1), ("b", 2)], **changes)
    return TopologyDescription.initial(settings)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Unknown"),
        ({"replica_set_name": "rs"}, "ReplicaSetNoPrimary"),
        ({"direct_connection": True}, "Single"),
        ({"direct_connection": False}, "Unknown"),
        ({"load_balanced": True}, "LoadBalanced"),
    ],
)
def test_initial_type(changes: dict[str, Any], name: str) -> None:
    assert _ours(**changes).topology_type_name == name


def test_heartbeats_may_not_be_too_frequent() -> None:
    with pytest.raises(ConfigurationError, match="cannot be less than 500"):
        TopologySettings([("a", 1)], heartbeat_frequency=0.1)


def test_descriptions_of_strangers_and_old_ones_are_ignored() -> None:
    topology = _ours()
    assert topology.apply(ServerDescription(("z", 1), Hello({"ok": 1}))) is topology
    version = {"processId": 1, "counter": 5}
    known = topology.apply(
        ServerDescription(("a", 1), Hello({"ok": 1, "msg": "isdbgrid", "topologyVersion": version}))
    )
    older = {"processId": 1, "counter": 4}
    late = ServerDescription(("a", 1), Hello({"ok": 1, "topologyVersion": older}))
    assert known.apply(late) is known


@pytest.mark.parametrize(
    ("one", "other", "result"),
    [
        (None, None, -1),
        ({"processId": 1, "counter": 1}, None, -1),
        ({"processId": 1, "counter": 1}, {"processId": 2, "counter": 0}, -1),
        ({"processId": 1, "counter": 1}, {"processId": 1, "counter": 2}, -1),
        ({"processId": 1, "counter": 1}, {"processId": 1, "counter": 1}, 0),
        ({"processId": 1, "counter": 2}, {"processId": 1, "counter": 1}, 1),
    ],
)
def test_comparing_topology_versions(one: Any, other: Any, result: int) -> None:
    assert compare_versions(one, other) == result


def test_a_load_balancer_is_known_at_once() -> None:
    topology = TopologyDescription.initial(TopologySettings([("a", 1)], load_balanced=True))
    server = load_balancer(("a", 1), ObjectId())
    topology = topology.apply(server)
    topology.check_compatible()
    assert topology.has_writable_server()
    assert select(topology, Secondary()) == [server]


def test_srv_records_add_and_remove_servers() -> None:
    topology = _ours()
    polled = topology.with_seeds([("b", 2), ("c", 3)], Random(1).sample)
    assert set(polled.server_descriptions()) == {("b", 2), ("c", 3)}
    few = _ours(srv_max_hosts=2).with_seeds([("b", 2), ("c", 3), ("d", 4)], Random(1).sample)
    assert ("b", 2) in few.server_descriptions()
    assert len(few.server_descriptions()) == 2
    replica_set = _ours(replica_set_name="rs")
    assert replica_set.with_seeds([("c", 3)], Random(1).sample) is replica_set


def test_stale_secondaries_without_a_date_are_left_out() -> None:
    written = {"lastWrite": {"lastWriteDate": datetime.datetime(2020, 1, 1)}}
    servers = {
        (host, 1): ServerDescription((host, 1), _member(OURS, **SECONDARY, **reply), 0.01)
        for host, reply in (("a", written), ("b", {}))
    }
    settings = TopologySettings(tuple(servers), replica_set_name="rs")
    topology = TopologyDescription(1, servers, "rs", None, None, settings)
    assert [s.address for s in select(topology, Nearest(max_staleness=90))] == [("a", 1)]


def test_picking_prefers_the_less_busy_of_two() -> None:
    servers = [ServerDescription((host, 1)) for host in "ab"]
    assert pick(servers, {("a", 1): 5}, Random(1).sample).address == ("b", 1)
    assert pick(servers, lambda address: ord(address[0]), Random(1).sample).address == ("a", 1)
    assert pick(servers[:1], {}, Random(1).sample) is servers[0]
    with pytest.raises(ValueError, match="no server"):
        pick([], {}, Random(1).sample)


def test_the_latency_window() -> None:
    servers = [
        ServerDescription((name, 1), Hello({"ok": 1}), rtt)
        for name, rtt in (("a", 0.01), ("b", 0.024), ("c", 0.026))
    ]
    assert [s.address[0] for s in in_latency_window(servers, 15)] == ["a", "b"]
    assert in_latency_window([], 15) == []


def test_descriptions_pickle() -> None:
    server = ServerDescription(("h", 1), Hello(FULL), 0.1)
    assert pickle.loads(pickle.dumps(server)) == server

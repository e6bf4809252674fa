"""server-discovery-and-monitoring: the specification's own tests, on the pure state machine."""

from __future__ import annotations

from typing import Any

import pytest

from bsonx import json_util
from mongodriver.errors import (
    AutoReconnect,
    ConfigurationError,
    NetworkTimeout,
    PyMongoError,
)
from mongodriver.execution.retry_rules import RETRYABLE_ERROR
from mongodriver.hello import Hello
from mongodriver.options.connection_string import parse
from mongodriver.replies.verdicts import command_error, write_concern_error
from mongodriver.sdam.error_effects import OVERLOADED, error_effect
from mongodriver.sdam.topology_description import (
    TOPOLOGY_TYPE,
    TopologyDescription,
    TopologySettings,
    load_balancer,
)
from mongodriver.values.address import Address, partition_node
from mongodriver.values.server_description import ServerDescription
from specs import load, spec_files

FOLDER = "server-discovery-and-monitoring"


class Run:
    """A topology fed with replies and errors, with the generations its pools would have."""

    def __init__(self, uri: str) -> None:
        parsed = parse(uri)
        self.settings = TopologySettings(
            parsed.nodes,
            replica_set_name=parsed.options.get("replicaSet"),
            direct_connection=parsed.options.get("directConnection"),
            load_balanced=parsed.options.get("loadBalanced"),
        )
        self.topology = TopologyDescription.initial(self.settings)
        self.generations: dict[Address, int] = {}
        self.events = self._opening()
        if self.settings.load_balanced:
            (seed,) = self.settings.seeds
            self.apply(load_balancer(seed, self.settings.topology_id))

    def _opening(self) -> list[Any]:
        empty = TopologyDescription(TOPOLOGY_TYPE.Unknown, {}, None, None, None, self.settings)
        return [
            "topology_opening_event",
            ("topology_description_changed_event", empty, self.topology),
            *[("server_opening_event", address) for address in self.settings.seeds],
        ]

    def apply(self, server: ServerDescription) -> None:
        """Take a new description into account and note the events a client would publish."""
        before = self.topology
        after = self.topology = before.apply(server)
        old, new = before.server_descriptions(), after.server_descriptions()
        if after is before or old[server.address] == server:
            return
        self.events.append(("server_description_changed_event", old[server.address], server))
        self.events += [("server_opening_event", a) for a in new if a not in old]
        self.events += [("server_closed_event", a) for a in old if a not in new]
        self.events.append(("topology_description_changed_event", before, after))

    def respond(self, name: str, reply: dict[str, Any]) -> None:
        """A server check was answered, or failed (an empty reply)."""
        address = partition_node(name)
        if reply.get("ok"):
            self.apply(ServerDescription(address, Hello(reply), 0.01))
        else:
            error = AutoReconnect("connection closed")
            known = self.topology.server_descriptions().get(address)
            if known is not None:
                self.clear(address)
            self.apply(ServerDescription(address, error=error))

    def clear(self, address: Address) -> None:
        """Clear a server's pool."""
        self.generations[address] = self.generations.get(address, 0) + 1

    def fail(self, event: dict[str, Any]) -> None:
        """An operation failed."""
        address = partition_node(event["address"])
        server = self.topology.server_descriptions().get(address)
        current = self.generations.get(address, 0)
        error = _error(event)
        effect = error_effect(
            error,
            server,
            handshake_complete=event["when"] == "afterHandshakeCompletes",
            generation=event.get("generation", current),
            pool_generation=current,
            max_wire_version=event["maxWireVersion"],
        )
        if effect.mark_unknown:
            self.apply(ServerDescription(address, error=error))
        if effect.clear_pool:
            self.clear(address)


def _error(event: dict[str, Any]) -> PyMongoError:
    if event["type"] == "command":
        reply = event["response"]
        error = command_error(reply) or write_concern_error(reply)
        # A reply whose only errors are write errors says nothing about the server.
        return error or PyMongoError("write errors only")
    kind = NetworkTimeout if event["type"] == "timeout" else AutoReconnect
    failure = kind("mock")
    if event["when"] == "beforeHandshakeCompletes":
        # What fails before the server's first answer may be due to its load.
        failure._add_error_label(OVERLOADED)
        failure._add_error_label(RETRYABLE_ERROR)
    return failure


def _known_type(name: str) -> str:
    """Return the type's name; only single-threaded clients tell PossiblePrimary from Unknown."""
    return "Unknown" if name == "PossiblePrimary" else name


def _check_server(run: Run, name: str, expected: dict[str, Any]) -> None:
    address = partition_node(name)
    server = run.topology.server_descriptions()[address]
    assert server.server_type_name == _known_type(expected["type"])
    # Of a load balancer nothing but the address is known.
    attributes = {
        "setName": server.replica_set_name,
        "setVersion": server.set_version,
        "electionId": server.election_id,
        "logicalSessionTimeoutMinutes": server.logical_session_timeout_minutes,
        "topologyVersion": server.topology_version,
    }
    for attribute, actual in attributes.items():
        if attribute in expected:
            assert actual == expected[attribute], attribute
    if "pool" in expected:
        assert run.generations.get(address, 0) == expected["pool"]["generation"]
    if "error" in expected:
        assert expected["error"] in str(server.error)


def _check_topology(run: Run, outcome: dict[str, Any]) -> None:
    topology = run.topology
    servers = topology.server_descriptions()
    assert set(servers) == {partition_node(name) for name in outcome["servers"]}
    for name, expected in outcome["servers"].items():
        _check_server(run, name, expected)
    assert topology.topology_type_name == outcome["topologyType"]
    assert topology.replica_set_name == outcome["setName"]
    if "logicalSessionTimeoutMinutes" in outcome:
        expected_timeout = outcome["logicalSessionTimeoutMinutes"]
        assert topology.logical_session_timeout_minutes == expected_timeout
    if "maxSetVersion" in outcome:
        assert topology.max_set_version == outcome["maxSetVersion"]
    if "maxElectionId" in outcome:
        assert topology.max_election_id == outcome["maxElectionId"]
    # Some files only mean to show other things with servers older than 4.4.
    if outcome.get("compatible"):
        topology.check_compatible()
    elif "compatible" in outcome:
        with pytest.raises(ConfigurationError, match="wire version"):
            topology.check_compatible()


def _load(path: Any) -> Any:
    return json_util.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path",
    [
        param
        for folder in ("errors", "load-balanced", "rs", "sharded", "single")
        for param in spec_files(f"{FOLDER}/{folder}")
    ],
)
def test_discovery(path: Any) -> None:
    test = _load(path)
    run = Run(test["uri"])
    for phase in test["phases"]:
        for name, reply in phase.get("responses", []):
            run.respond(name, reply)
        for event in phase.get("applicationErrors", []):
            run.fail(event)
        _check_topology(run, phase["outcome"])


def _server_document(server: ServerDescription) -> dict[str, Any]:
    hello = server._hello.document
    document: dict[str, Any] = {
        "address": "{}:{}".format(*server.address),
        "type": server.server_type_name,
        **{name: hello.get(name, []) for name in ("arbiters", "hosts", "passives")},
    }
    if server.replica_set_name:
        document["setName"] = server.replica_set_name
    if server.primary:
        document["primary"] = "{}:{}".format(*server.primary)
    return document


def _topology_document(topology: TopologyDescription) -> dict[str, Any]:
    servers = map(_server_document, topology.server_descriptions().values())
    document: dict[str, Any] = {
        "topologyType": topology.topology_type_name,
        "servers": sorted(servers, key=lambda server: server["address"]),
    }
    if topology.replica_set_name:
        document["setName"] = topology.replica_set_name
    return document


def _expected_document(document: dict[str, Any]) -> dict[str, Any]:
    if "servers" not in document:
        return {**document, "type": _known_type(document["type"])}
    servers = sorted(map(_expected_document, document["servers"]), key=lambda s: s["address"])
    return {**document, "servers": servers}


def _check_event(event: Any, expected: dict[str, Any]) -> None:
    ((name, document),) = expected.items()
    if name == "topology_opening_event":
        assert event == name
        return
    assert event[0] == name
    if name in ("server_opening_event", "server_closed_event"):
        assert "{}:{}".format(*event[1]) == document["address"]
        return
    is_server = name == "server_description_changed_event"
    describe: Any = _server_document if is_server else _topology_document
    assert describe(event[1]) == _expected_document(document["previousDescription"])
    assert describe(event[2]) == _expected_document(document["newDescription"])


@pytest.mark.parametrize("path", spec_files(f"{FOLDER}/monitoring"))
def test_changes_that_are_published(path: Any) -> None:
    test = load(path)
    run = Run(test["uri"])
    for phase in test["phases"]:
        for name, reply in phase.get("responses", []):
            run.respond(name, reply)
        expected = phase["outcome"]["events"]
        assert len(run.events) == len(expected)
        for event, wanted in zip(run.events, expected, strict=True):
            _check_event(event, wanted)
        run.events.clear()

"""The special operations, whose object is the test runner itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import format, inside
from ..clients import PATIENCE, until
from ..event_match import count_events
from ..failures import Mismatch, Unsupported
from ..inside import want
from .base import Call, Operation


def _entity(call: Call, argument: str, kind: str | None = None) -> Any:
    return call.world.entities.get(call.arguments[argument], kind or argument)


# -- fail points --


async def _fail_point(call: Call) -> None:
    client = _entity(call, "client")
    await call.world.fail_points.configure(client, call.arguments["failPoint"])


async def _targeted_fail_point(call: Call) -> None:
    address = inside.pinned_address(_entity(call, "session"))
    want(address is not None, "the session is not pinned")
    await call.world.fail_points.configure_at(address, call.arguments["failPoint"])


# -- sessions --


async def _session_is_pinned(call: Call) -> None:
    want(inside.pinned_address(_entity(call, "session")) is not None, "the session is not pinned")


async def _session_is_unpinned(call: Call) -> None:
    want(inside.pinned_address(_entity(call, "session")) is None, "the session is pinned")


async def _session_is_dirty(call: Call) -> None:
    want(inside.is_dirty(_entity(call, "session")), "the session is not dirty")


async def _session_is_not_dirty(call: Call) -> None:
    want(not inside.is_dirty(_entity(call, "session")), "the session is dirty")


async def _transaction_state(call: Call) -> None:
    state = inside.transaction_state(_entity(call, "session"))
    expected = call.arguments["state"]
    if expected not in ("none", "starting", "in_progress", "committed", "aborted"):
        raise Unsupported(f"a transaction's state {expected}")
    want(state == expected, f"the transaction is {state}, expected {expected}")


def _last_lsids(call: Call) -> list[Any]:
    events = _events(call)
    commands = [event.command for event in events.recorded if hasattr(event, "command")][-2:]
    want(len(commands) == 2, "there were not two commands")
    want(all("lsid" in command for command in commands), "a command has no lsid")
    return [command["lsid"] for command in commands]


async def _same_lsid(call: Call) -> None:
    first, second = _last_lsids(call)
    want(first == second, "the last two commands have different sessions")


async def _different_lsid(call: Call) -> None:
    first, second = _last_lsids(call)
    want(first != second, "the last two commands have the same session")


# -- collections and indexes --


async def _exists(call: Call) -> bool:
    admin, arguments = call.world.deployment.admin, call.arguments
    names = await admin[arguments["databaseName"]].list_collection_names()
    return arguments["collectionName"] in names


async def _collection_exists(call: Call) -> None:
    want(await _exists(call), f"{call.arguments} does not exist")


async def _collection_does_not_exist(call: Call) -> None:
    want(not await _exists(call), f"{call.arguments} exists")


async def _has_index(call: Call) -> bool:
    admin, arguments = call.world.deployment.admin, call.arguments
    if not await _exists(call):
        return False
    collection = admin[arguments["databaseName"]][arguments["collectionName"]]
    indexes = await (await collection.list_indexes()).to_list()
    return any(index["name"] == arguments["indexName"] for index in indexes)


async def _index_exists(call: Call) -> None:
    want(await _has_index(call), f"{call.arguments} does not exist")


async def _index_does_not_exist(call: Call) -> None:
    want(not await _has_index(call), f"{call.arguments} exists")


# -- events, connections, topologies --


def _events(call: Call) -> Any:
    _entity(call, "client")
    return call.world.entities.clients[call.arguments["client"]].events


def _counter(call: Call) -> Any:
    expected = call.arguments["event"]
    format.event(expected, "event")
    return partial(count_events, call.world.matcher, _events(call), expected)


async def _wait_for_event(call: Call) -> None:
    count, wanted = _counter(call), call.arguments["count"]
    events = _events(call)
    if not await events.wait_until(lambda: count() >= wanted, PATIENCE):
        raise Mismatch(f"{count()} events {call.arguments['event']}, expected {wanted}")


async def _event_count(call: Call) -> None:
    count, wanted = _counter(call)(), call.arguments["count"]
    want(count == wanted, f"{count} events {call.arguments['event']}, expected {wanted}")


async def _checked_out(call: Call) -> None:
    count, wanted = inside.connections_checked_out(_entity(call, "client")), "connections"
    want(count == call.arguments[wanted], f"{count} connections are checked out")


async def _record_topology(call: Call) -> None:
    description = _entity(call, "client").topology_description
    call.world.entities.store(call.arguments["id"], description, "topologyDescription")


async def _topology_type(call: Call) -> None:
    name = _entity(call, "topologyDescription").topology_type_name
    want(name == call.arguments["topologyType"], f"the topology is {name}")


def _primary(description: Any) -> Any:
    servers = description.server_descriptions()
    names = (one for one, server in servers.items() if server.server_type_name == "RSPrimary")
    return next(names, None)


async def _primary_change(call: Call) -> None:
    client = _entity(call, "client")
    before = _primary(_entity(call, "priorTopologyDescription", "topologyDescription"))
    seconds = call.arguments.get("timeoutMS", PATIENCE * 1000) / 1000

    def changed() -> bool:
        return _primary(client.topology_description) not in (None, before)

    want(await until(call.world.backend, changed, seconds), f"{before} is still the primary")


# -- the test's course --


async def _create_entities(call: Call) -> None:
    for index, description in enumerate(call.arguments["entities"]):
        format.entity(description, f"entities[{index}]")
        await call.world.entities.create(description)


async def _run_on_thread(call: Call) -> None:
    format.operation(call.arguments["operation"], "operation")
    _entity(call, "thread").run(partial(call.world.run_operation, call.arguments["operation"]))


async def _wait_for_thread(call: Call) -> None:
    await _entity(call, "thread").wait()


async def _wait(call: Call) -> None:
    await call.world.backend.sleep(call.arguments["ms"] / 1000)


async def _loop(call: Call) -> None:
    """Repeat operations (of older versions of the format, for workload executors)."""
    arguments, entities = call.arguments, call.world.entities
    stored: dict[str, Any] = {"iterations": 0, "successes": 0}
    kept: dict[str, list[Mapping[str, Any]]] = {"errors": [], "failures": []}
    for name in ("errors", "failures"):
        key = f"store{name.capitalize()}AsEntity"
        if key in arguments:
            entities.store(arguments[key], kept[name], "value")
    for _ in range(arguments["numIterations"]):
        try:
            for operation in arguments["operations"]:
                await call.world.run_operation(operation)
                stored["successes"] += 1
        except Unsupported:
            raise
        except Exception as exc:
            name = "failures" if isinstance(exc, AssertionError) else "errors"
            if f"store{name.capitalize()}AsEntity" not in arguments:
                other = {"errors": "failures", "failures": "errors"}[name]
                if f"store{other.capitalize()}AsEntity" not in arguments:
                    raise
                name = other
            kept[name].append({"error": str(exc), "time": 0})
        stored["iterations"] += 1
    for name, count in stored.items():
        key = f"store{name.capitalize()}AsEntity"
        if key in arguments:
            entities.store(arguments[key], count, "value")


_INDEX = "databaseName collectionName indexName"

OPERATIONS = {
    "assertCollectionExists": Operation(_collection_exists, "databaseName collectionName"),
    "assertCollectionNotExists": Operation(
        _collection_does_not_exist, "databaseName collectionName"
    ),
    "assertDifferentLsidOnLastTwoCommands": Operation(_different_lsid, "client"),
    "assertEventCount": Operation(_event_count, "client event count"),
    "assertIndexExists": Operation(_index_exists, _INDEX),
    "assertIndexNotExists": Operation(_index_does_not_exist, _INDEX),
    "assertNumberConnectionsCheckedOut": Operation(_checked_out, "client connections"),
    "assertSameLsidOnLastTwoCommands": Operation(_same_lsid, "client"),
    "assertSessionDirty": Operation(_session_is_dirty, "session"),
    "assertSessionNotDirty": Operation(_session_is_not_dirty, "session"),
    "assertSessionPinned": Operation(_session_is_pinned, "session"),
    "assertSessionTransactionState": Operation(_transaction_state, "session state"),
    "assertSessionUnpinned": Operation(_session_is_unpinned, "session"),
    "assertTopologyType": Operation(_topology_type, "topologyDescription topologyType"),
    "createEntities": Operation(_create_entities, "entities"),
    "failPoint": Operation(_fail_point, "client failPoint", "session"),
    "loop": Operation(
        _loop,
        "operations numIterations",
        "storeErrorsAsEntity storeFailuresAsEntity storeIterationsAsEntity storeSuccessesAsEntity",
    ),
    "recordTopologyDescription": Operation(_record_topology, "client id"),
    "runOnThread": Operation(_run_on_thread, "thread operation"),
    "targetedFailPoint": Operation(_targeted_fail_point, "session failPoint"),
    "wait": Operation(_wait, "ms"),
    "waitForEvent": Operation(_wait_for_event, "client event count"),
    "waitForPrimaryChange": Operation(
        _primary_change, "client priorTopologyDescription", "timeoutMS"
    ),
    "waitForThread": Operation(_wait_for_thread, "thread"),
}

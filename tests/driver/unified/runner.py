"""Running one test of a unified test file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from flavour import is_asynchronous, plain, stepped

from bsonx.errors import BSONError
from mongodriver.asynchronous.client_session import ClientSessionBase
from mongodriver.errors import (
    BulkWriteError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
)
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import ReadPreference
from mongodriver.write_concern import WriteConcern

from .entities import Entities, transaction_options
from .match import UNSET, Matcher, Mismatch
from .operations import as_document, bulk_counts, run

#: The newest version of the format that is understood.
SCHEMA = (1, 25)


_INTERRUPTED = 11601

#: Collections that need only be emptied for the next test: making one takes the server long.
_emptied: set[tuple[str, str, str]] = set()
_HARMLESS = (
    "aggregate",
    "bulkWrite",
    "count",
    "delete",
    "distinct",
    "estimated",
    "failPoint",
    "find",
    "insert",
    "replace",
    "update",
)


class Deployment:
    """What tests may ask for of a deployment."""

    def __init__(self, version: str, topology: str, parameters: Mapping[str, Any]) -> None:
        self.version = tuple(int(part) for part in version.split("-")[0].split("."))
        self.topology = topology
        self.parameters = parameters

    def suits(self, requirement: Mapping[str, Any]) -> bool:
        """Whether one of a test's runOnRequirements holds."""
        low, high = requirement.get("minServerVersion"), requirement.get("maxServerVersion")
        if low is not None and self.version < _numbers(low):
            return False
        if high is not None:
            wanted = _numbers(high)
            if self.version[: len(wanted)] > wanted:
                return False
        topologies = requirement.get("topologies")
        if topologies is not None and self.topology not in topologies:
            return False
        if requirement.get("serverless") == "require" or requirement.get("csfle"):
            return False
        if requirement.get("auth"):
            return False
        wanted_parameters = requirement.get("serverParameters", {})
        return all(self.parameters.get(k) == v for k, v in wanted_parameters.items())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def check_requirements(requirements: Any, deployment: Deployment) -> None:
    """Skip the test if none of the requirements holds."""
    if requirements and not any(deployment.suits(r) for r in requirements):
        pytest.skip(f"needs {requirements}")


class UnifiedTest:
    """One test: its data, its entities, its operations and what they should do."""

    def __init__(
        self,
        spec: Mapping[str, Any],
        test: Mapping[str, Any],
        admin: Any,
        make_client: Any,
        uri: str,
    ) -> None:
        self.spec = spec
        self.test = test
        self.admin = admin
        self.uri = uri
        self.entities = Entities(make_client, uri)
        self.matcher = Matcher(self.entities)
        self._fail_points: list[tuple[Any, str]] = []

    async def run(self) -> None:
        """Run it; Mismatch or another exception if it fails."""
        version = _numbers(self.spec["schemaVersion"])[:2]
        if version > SCHEMA:
            pytest.skip(f"schema version {self.spec['schemaVersion']}")
        await self._insert_data()
        try:
            for entity in self.spec.get("createEntities", ()):
                self.entities.create(entity)
            for operation in self.test["operations"]:
                await self._operate(operation)
            self._check_events()
            await self._check_outcome()
        finally:
            for client, name in self._fail_points:
                await client.admin.command("configureFailPoint", name, mode="off")
            for entity in self.entities.values():
                if isinstance(plain(entity), ClientSessionBase):
                    await entity.end_session()
                    await self._end_transactions()

    async def _end_transactions(self) -> None:
        """Abort what tests have left open on the server, which would wait for it."""
        try:
            await self.admin.admin.command("killAllSessions", [])
        except OperationFailure as exc:
            if exc.code != _INTERRUPTED:  # its own session was among them
                raise

    async def _insert_data(self) -> None:
        for data in self.spec.get("initialData", ()):
            database = self.admin.get_database(
                data["databaseName"], write_concern=WriteConcern("majority")
            )
            name = data["collectionName"]
            options = data.get("createOptions", {})
            place = (self.uri, data["databaseName"], name)
            if place in _emptied and not options:
                await database[name].delete_many({})
            else:
                await database.drop_collection(name)
                await database.create_collection(name, check_exists=False, **options)
            _emptied.discard(place)
            if not options and self._only_changes_documents():
                _emptied.add(place)
            if data["documents"]:
                await database[name].insert_many(data["documents"])

    def _only_changes_documents(self) -> bool:
        """Whether the test leaves its collections as they are, apart from their documents."""
        return all(operation["name"].startswith(_HARMLESS) for operation in self.test["operations"])

    # -- operations --

    async def _operate(self, operation: Mapping[str, Any], in_callback: bool = False) -> None:
        """Run an operation and check its outcome; that of a callback raises expected errors too."""
        expected_error = operation.get("expectError")
        ignores = operation.get("ignoreResultAndError", False)
        try:
            result = await self._run(operation)
        except (PyMongoError, BSONError, ValueError, TypeError) as exc:
            if ignores and not in_callback:
                return
            if expected_error is None:
                raise
            self._check_error(expected_error, exc)
            if in_callback:
                raise
            return
        if expected_error is not None:
            raise Mismatch(f"{operation['name']} succeeded, expected {expected_error!r}")
        if "expectResult" in operation and not ignores:
            actual = UNSET if result is None and _allows_unset(operation) else result
            self.matcher.match(operation["expectResult"], actual, operation["name"])
        saved = operation.get("saveResultAsEntity")
        if saved is not None:
            self.entities[saved] = result

    async def _run(self, operation: Mapping[str, Any]) -> Any:
        arguments = dict(operation.get("arguments", {}))
        if "session" in arguments:
            arguments["session"] = self.entities[arguments["session"]]
        if "timeoutMS" in arguments:
            pytest.skip("timeouts of single operations are not part of the API")
        name = operation["name"]
        if operation["object"] == "testRunner":
            handler = getattr(self, f"_runner_{name}", None)
            if handler is None:
                pytest.skip(f"the runner's operation {name} is not supported")
            return await handler(arguments)
        target = self.entities[operation["object"]]
        if name == "close":
            return await target.close()
        if name == "endSession":
            return await target.end_session()
        if name == "withTransaction":
            return await self._with_transaction(target, arguments)
        return await run(target, name, arguments)

    async def _with_transaction(self, session: Any, arguments: dict[str, Any]) -> None:
        """Run operations as the callback, which lets all their errors out."""
        operations = arguments.pop("callback")

        async def callback(session: Any) -> None:
            for operation in operations:
                await self._operate(operation, in_callback=True)

        in_flavour = callback if is_asynchronous(session) else stepped(callback)
        await session.with_transaction(in_flavour, **transaction_options(arguments))

    async def _runner_failPoint(self, arguments: Mapping[str, Any]) -> None:
        client = self.entities[arguments["client"]]
        point = arguments["failPoint"]
        await client.admin.command(point)
        self._fail_points.append((self.admin, point["configureFailPoint"]))

    async def _runner_assertCollectionExists(self, arguments: Mapping[str, Any]) -> None:
        names = await self.admin[arguments["databaseName"]].list_collection_names()
        assert arguments["collectionName"] in names

    async def _runner_assertCollectionNotExists(self, arguments: Mapping[str, Any]) -> None:
        names = await self.admin[arguments["databaseName"]].list_collection_names()
        assert arguments["collectionName"] not in names

    async def _runner_assertSameLsidOnLastTwoCommands(self, arguments: Mapping[str, Any]) -> None:
        first, second = self._last_lsids(arguments)
        assert first == second

    async def _runner_assertDifferentLsidOnLastTwoCommands(
        self, arguments: Mapping[str, Any]
    ) -> None:
        first, second = self._last_lsids(arguments)
        assert first != second

    def _last_lsids(self, arguments: Mapping[str, Any]) -> list[Any]:
        recorded = self.entities.events[arguments["client"]].recorded
        started = [event for event in recorded if hasattr(event, "command")]
        return [event.command["lsid"] for event in started[-2:]]

    async def _runner_assertSessionDirty(self, arguments: Mapping[str, Any]) -> None:
        assert _core_session(arguments["session"]).server_session.dirty

    async def _runner_assertSessionNotDirty(self, arguments: Mapping[str, Any]) -> None:
        assert not _core_session(arguments["session"]).server_session.dirty

    async def _runner_assertSessionTransactionState(self, arguments: Mapping[str, Any]) -> None:
        state = _core_session(arguments["session"]).transaction.state
        if state != arguments["state"]:
            raise Mismatch(f"the transaction is {state}, expected {arguments['state']}")

    async def _runner_assertSessionPinned(self, arguments: Mapping[str, Any]) -> None:
        assert _is_pinned(_core_session(arguments["session"]))

    async def _runner_assertSessionUnpinned(self, arguments: Mapping[str, Any]) -> None:
        assert not _is_pinned(_core_session(arguments["session"]))

    async def _runner_assertIndexExists(self, arguments: Mapping[str, Any]) -> None:
        assert arguments["indexName"] in await self._index_names(arguments)

    async def _runner_assertIndexNotExists(self, arguments: Mapping[str, Any]) -> None:
        assert arguments["indexName"] not in await self._index_names(arguments)

    async def _index_names(self, arguments: Mapping[str, Any]) -> list[str]:
        collection = self.admin[arguments["databaseName"]][arguments["collectionName"]]
        return list(await collection.index_information())

    async def _runner_createEntities(self, arguments: Mapping[str, Any]) -> None:
        for entity in arguments["entities"]:
            self.entities.create(entity)

    # -- expectations --

    def _check_error(self, expected: Mapping[str, Any], exc: Exception) -> None:
        server_error = isinstance(exc, (OperationFailure, ConnectionFailure))
        if (
            "isClientError" in expected
            and not isinstance(exc, ConnectionFailure)
            and expected["isClientError"] == isinstance(exc, OperationFailure)
        ):
            raise exc
        if "isTimeoutError" in expected:
            assert getattr(exc, "timeout", False) is expected["isTimeoutError"]
        if "errorContains" in expected:
            text = re.sub(r"\s+", " ", str(exc)).lower()
            if expected["errorContains"].lower() not in text:
                raise exc
        details = getattr(exc, "details", None)
        if "errorCode" in expected:
            assert getattr(exc, "code", None) == expected["errorCode"], exc
        if "errorCodeName" in expected:
            assert details["codeName"] == expected["errorCodeName"], exc
        for label in expected.get("errorLabelsContain", ()):
            assert exc.has_error_label(label), (label, exc)
        for label in expected.get("errorLabelsOmit", ()):
            assert not exc.has_error_label(label), (label, exc)
        if "errorResponse" in expected:
            self.matcher.match(expected["errorResponse"], details, "errorResponse")
        if "expectResult" in expected and isinstance(exc, BulkWriteError):
            # Other errors carry no partial result.
            self.matcher.match(expected["expectResult"], bulk_counts(details), "expectResult")
        if "writeErrors" in expected or "writeConcernErrors" in expected:
            pytest.skip("errors of client bulk writes are not supported yet")
        assert server_error or "errorCode" not in expected

    def _check_events(self) -> None:
        for expected in self.test.get("expectEvents", ()):
            if expected.get("eventType", "command") != "command":
                pytest.skip(f"{expected['eventType']} events are not supported by the runner")
            recorded = self.entities.events[expected["client"]].recorded
            wanted = expected["events"]
            if expected.get("ignoreExtraEvents"):
                recorded = recorded[: len(wanted)]
            names = [type(event).__name__ + " " + event.command_name for event in recorded]
            if len(recorded) != len(wanted):
                raise Mismatch(f"events {names}, expected {wanted!r}")
            for index, (one, event) in enumerate(zip(wanted, recorded, strict=True)):
                self._check_event(one, event, f"event {index}")

    def _check_event(self, expected: Mapping[str, Any], event: Any, path: str) -> None:
        ((kind, fields),) = expected.items()
        actual_kind = type(event).__name__
        if kind != actual_kind[0].lower() + actual_kind[1:]:
            raise Mismatch(f"{path} is a {actual_kind}, expected a {kind}")
        match = self.matcher.match
        if "command" in fields:
            match(fields["command"], event.command, f"{path} {event.command_name}")
        if "reply" in fields:
            match(fields["reply"], event.reply, f"{path} {event.command_name}")
        for name, attribute in (
            ("commandName", "command_name"),
            ("databaseName", "database_name"),
        ):
            if name in fields:
                match(fields[name], getattr(event, attribute), f"{path} {name}")
        if "hasServiceId" in fields:
            assert (event.service_id is not None) == fields["hasServiceId"]
        if "hasServerConnectionId" in fields:
            assert (event.server_connection_id is not None) == fields["hasServerConnectionId"]

    async def _check_outcome(self) -> None:
        for data in self.test.get("outcome", ()):
            collection = self.admin[data["databaseName"]].get_collection(
                data["collectionName"],
                read_preference=ReadPreference.PRIMARY,
                read_concern=ReadConcern("local"),
            )
            found = await collection.find({}, sort=[("_id", 1)]).to_list()
            expected = data["documents"]
            if [dict(document) for document in found] != expected:
                raise Mismatch(f"{data['collectionName']} holds {found!r}, expected {expected!r}")


def _core_session(session: Any) -> Any:
    return plain(session)._core


def _is_pinned(session: Any) -> bool:
    transaction = session.transaction
    return transaction.address is not None or transaction.connection is not None


def _allows_unset(operation: Mapping[str, Any]) -> bool:
    expected = operation["expectResult"]
    return isinstance(expected, Mapping) and "$$unsetOrMatches" in expected


__all__ = ["Deployment", "UnifiedTest", "as_document", "check_requirements"]

"""One test, and all it has to do with while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from copy import deepcopy
from typing import Any

from flavour import Flavour

from bsonx.errors import BSONError
from mongodriver import timeout
from mongodriver.errors import OperationFailure, PyMongoError
from mongodriver.io.blocking import BlockingBackend
from mongodriver.io.either import EitherBackend

from .clients import PATIENCE, until
from .data import check_outcome, insert_data
from .entities import Entities
from .errors import check_error
from .event_match import check_events
from .fail_points import FailPoints
from .failures import Mismatch
from .logs import Logs, check_logs, heeded
from .operations import operation_of
from .operations.base import Call
from .operations.results import as_document
from .requirements import Deployment
from .spans import check_spans
from .values import UNSET, Matcher

#: What an operation raises; anything else is the runner's failure or the test's.
ERRORS = (PyMongoError, BSONError, ValueError, TypeError)
_INTERRUPTED = 11601


class World:
    """One test of a file on one deployment.

    :param make_client: makes clients of the flavour.
    """

    def __init__(
        self,
        spec: Mapping[str, Any],
        test: Mapping[str, Any],
        *,
        flavour: Flavour,
        deployment: Deployment,
        make_client: Any,
    ) -> None:
        self.flavour = flavour
        self.deployment = deployment
        self.make_client = make_client
        self.backend: Any = BlockingBackend() if flavour.is_sync else EitherBackend()
        self.entities = Entities(self)
        self.matcher = Matcher(self.entities)
        self.fail_points = FailPoints(self)
        #: Of the data's insertion, for sessions whose transactions begin right after it.
        self.cluster_time: Any = None
        self._spec = spec
        self._test = test

    async def run(self) -> None:
        """Run the test; Mismatch, Unsupported or the driver's error if it fails."""
        await insert_data(self.deployment, self._spec.get("initialData", ()), self._test)
        try:
            for entity in self._spec.get("createEntities", ()):
                await self.entities.create(entity)
            for operation in self._test["operations"]:
                await self.run_operation(operation)
            await self._check_what_was_observed()
        finally:
            await self._clean_up()
        await check_outcome(self.deployment, self._test.get("outcome", ()))

    # -- operations --

    async def run_operations(self, operations: Iterable[Mapping[str, Any]]) -> None:
        """Run operations of a callback: their errors are its own."""
        for operation in operations:
            error = await self.run_operation(operation)
            if error is not None:
                raise error

    async def run_operation(self, description: Mapping[str, Any]) -> Exception | None:
        """Run an operation and check its result; returns the error that was expected of it."""
        name, target = description["name"], description["object"]
        kind = "testRunner" if target == "testRunner" else self.entities.kind(target)
        operation = operation_of(kind, name)
        # Inserting documents may change them, and the test runs more than once.
        arguments = deepcopy(description.get("arguments", {}))
        operation.check(f"{kind}.{name}", arguments)
        if kind == "testRunner":
            await operation.run(Call(self, None, arguments))
            return None
        if "session" in arguments:
            arguments["session"] = self.entities.get(arguments["session"], "session")
        limit = arguments.pop("timeoutMS", self.entities.limits.get(target))
        call = Call(self, self.entities.get(target), arguments)
        try:
            with nullcontext() if limit is None else timeout(limit / 1000):
                result = as_document(await operation.run(call))
        except ERRORS as exc:
            self._check_error(description, exc)
            return exc
        if "expectError" in description:
            raise Mismatch(f"{name} succeeded, expected {description['expectError']!r}")
        self._check_result(description, operation, result)
        if name == "createChangeStream" and limit is not None:
            # Streams have no limit of their own: it is given to each of their operations.
            self.entities.limits[description.get("saveResultAsEntity", "")] = limit
        return None

    def _check_error(self, description: Mapping[str, Any], error: Exception) -> None:
        if description.get("ignoreResultAndError"):
            return
        if "expectError" not in description:
            raise error
        check_error(self.matcher, description["expectError"], error)

    def _check_result(self, description: Mapping[str, Any], operation: Any, result: Any) -> None:
        name = description["name"]
        if description.get("ignoreResultAndError"):
            return
        if "expectResult" in description:
            expected = description["expectResult"]
            unset = result is None and isinstance(expected, Mapping)
            self.matcher.match(expected, UNSET if unset else result, name, operation.documents)
        saved = description.get("saveResultAsEntity")
        if saved is not None:
            if result is None:
                raise Mismatch(f"{name} has no result that could be saved as {saved}")
            self.entities.store(saved, result, operation.saves)

    # -- afterwards --

    async def _check_what_was_observed(self) -> None:
        clients = self.entities.clients
        for expected in self._test.get("expectEvents", ()):
            self.entities.get(expected["client"], "client")
            check_events(self.matcher, clients[expected["client"]].events, expected)
        for expected in self._test.get("expectLogMessages", ()):
            self.entities.get(expected["client"], "client")
            await self._check_logs(clients[expected["client"]].logs, expected)
        for expected in self._test.get("expectTracingMessages", ()):
            self.entities.get(expected["client"], "client")
            roots = clients[expected["client"]].spans.roots()
            extra = expected.get("ignoreExtraSpans", False)
            check_spans(self.matcher, roots, expected["spans"], extra, "spans")

    async def _check_logs(self, logs: Logs, expected: Mapping[str, Any]) -> None:
        """Those of the topology are written in the background: they may still be to come."""

        def complete() -> bool:
            return len(heeded(self.matcher, logs, expected)) >= len(expected["messages"])

        await until(self.backend, complete, PATIENCE)
        check_logs(self.matcher, logs, expected)

    async def _clean_up(self) -> None:
        for client in self.entities.clients.values():
            client.events.stop()
        await self.fail_points.turn_off()
        await self.entities.clear()
        names = {operation["name"] for operation in self._test["operations"]}
        if names & {"startTransaction", "withTransaction"}:
            await self._end_transactions()

    async def _end_transactions(self) -> None:
        """Terminate what transactions are left (specification: Terminating Open Transactions)."""
        try:
            await self.deployment.admin.admin.command("killAllSessions", [])
        except OperationFailure as exc:
            if exc.code != _INTERRUPTED:
                raise

"""The entities of unified tests: clients, databases, collections, sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mongodriver import monitoring
from mongodriver.client_session import TransactionOptions
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import make_read_preference, read_pref_mode_from_name
from mongodriver.write_concern import WriteConcern

_COMMAND_EVENTS = {
    "commandStartedEvent": monitoring.CommandStartedEvent,
    "commandSucceededEvent": monitoring.CommandSucceededEvent,
    "commandFailedEvent": monitoring.CommandFailedEvent,
}
_SENSITIVE = {
    "authenticate",
    "saslStart",
    "saslContinue",
    "getnonce",
    "createUser",
    "updateUser",
    "copydbgetnonce",
    "copydbsaslstart",
    "copydb",
}
_HELLO = {"hello", "isMaster", "ismaster"}


def read_preference(document: Mapping[str, Any]) -> Any:
    """A read preference from its document."""
    mode = document["mode"]
    return make_read_preference(
        read_pref_mode_from_name(mode[0].lower() + mode[1:]),
        document.get("tagSets"),
        document.get("maxStalenessSeconds", -1),
    )


def write_concern(document: Mapping[str, Any]) -> WriteConcern:
    """A write concern from its document."""
    names = {"journal": "j", "wtimeoutMS": "wtimeout"}
    return WriteConcern(**{names.get(name, name): value for name, value in document.items()})


def options_from(document: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of collections, databases and transactions."""
    options: dict[str, Any] = {}
    if "readConcern" in document:
        options["read_concern"] = ReadConcern(**document["readConcern"])
    if "writeConcern" in document:
        options["write_concern"] = write_concern(document["writeConcern"])
    if "readPreference" in document:
        options["read_preference"] = read_preference(document["readPreference"])
    unknown = set(document) - {"readConcern", "writeConcern", "readPreference"}
    if unknown:
        pytest.skip(f"options {sorted(unknown)} are not supported by the runner")
    return options


def transaction_options(document: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of transactions from what a test says of them."""
    given = dict(document)
    limit = given.pop("maxCommitTimeMS", None)
    options = options_from(given)
    if limit is not None:
        options["max_commit_time_ms"] = limit
    return options


class Events(monitoring.CommandListener):
    """The command events a client entity observes."""

    def __init__(self, observed: set[str], ignored: set[str], sensitive: bool) -> None:
        self._kinds = tuple(_COMMAND_EVENTS[name] for name in observed & set(_COMMAND_EVENTS))
        self._ignored = ignored | {"configureFailPoint"}
        self._sensitive = sensitive
        self.recorded: list[Any] = []

    def _record(self, event: Any) -> None:
        name = event.command_name
        if not isinstance(event, self._kinds) or name in self._ignored:
            return
        if not self._sensitive and (name in _SENSITIVE or _is_redacted_hello(event)):
            return
        self.recorded.append(event)

    started = succeeded = failed = _record


def _is_redacted_hello(event: Any) -> bool:
    """Whether it is of a hello that began a login: those events are empty."""
    content = getattr(event, "command", None) or getattr(event, "reply", None)
    return event.command_name in _HELLO and not content


class Entities(dict[str, Any]):
    """The entities of one test, by id."""

    def __init__(self, make_client: Any, uri: str) -> None:
        super().__init__()
        self._make_client = make_client
        self._uri = uri
        self.events: dict[str, Events] = {}
        #: Ids of sessions, also of those that have ended.
        self.lsids: dict[str, Any] = {}

    def create(self, description: Mapping[str, Any]) -> None:
        """Create an entity."""
        ((kind, spec),) = description.items()
        makers = {
            "client": self._client,
            "database": self._database,
            "collection": self._collection,
            "session": self._session,
        }
        maker = makers.get(kind)
        if maker is None:
            pytest.skip(f"entities of kind {kind} are not supported yet")
        self[spec["id"]] = maker(spec)

    def _client(self, spec: Mapping[str, Any]) -> Any:
        unsupported = set(spec) & {"storeEventsAsEntities", "observeLogMessages", "autoEncryptOpts"}
        observed = set(spec.get("observeEvents", ()))
        unsupported |= {name for name in observed if name not in _COMMAND_EVENTS}
        if unsupported:
            pytest.skip(f"{sorted(unsupported)} are not supported by the runner")
        events = Events(
            observed,
            set(spec.get("ignoreCommandMonitoringEvents", ())),
            spec.get("observeSensitiveCommands", False),
        )
        self.events[spec["id"]] = events
        options = dict(spec.get("uriOptions", {}))
        api = spec.get("serverApi")
        if api is not None:
            from mongodriver.server_api import ServerApi

            options["server_api"] = ServerApi(
                api["version"], api.get("strict"), api.get("deprecationErrors")
            )
        return self._make_client(self._uri, event_listeners=[events], **options)

    def _database(self, spec: Mapping[str, Any]) -> Any:
        options = options_from(spec.get("databaseOptions", {}))
        return self[spec["client"]].get_database(spec["databaseName"], **options)

    def _collection(self, spec: Mapping[str, Any]) -> Any:
        options = options_from(spec.get("collectionOptions", {}))
        return self[spec["database"]].get_collection(spec["collectionName"], **options)

    def _session(self, spec: Mapping[str, Any]) -> Any:
        given = dict(spec.get("sessionOptions", {}))
        options: dict[str, Any] = {}
        if "causalConsistency" in given:
            options["causal_consistency"] = given.pop("causalConsistency")
        if "snapshot" in given:
            options["snapshot"] = given.pop("snapshot")
        if "snapshotTime" in given:
            options["snapshot_time"] = self[given.pop("snapshotTime")]
        if "defaultTransactionOptions" in given:
            transactions = transaction_options(given.pop("defaultTransactionOptions"))
            options["default_transaction_options"] = TransactionOptions(**transactions)
        if given:
            pytest.skip(f"session options {sorted(given)} are not supported by the runner")
        session = self[spec["client"]].start_session(**options)
        self.lsids[spec["id"]] = session.session_id
        return session

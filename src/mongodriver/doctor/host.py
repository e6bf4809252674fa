"""One host, step by step, until one fails."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from mongodriver.client.settings import topology_settings
from mongodriver.cmap.connection import Connection
from mongodriver.cmap.connector import Connector
from mongodriver.command_line.secrets import Secrets
from mongodriver.events.observer import Observer
from mongodriver.io.blocking import BlockingBackend, run
from mongodriver.io.faults import is_certificate_error
from mongodriver.options.client_options import ClientOptions
from mongodriver.replies.verdicts import command_error
from mongodriver.sdam.diagnosis import causes
from mongodriver.sdam.evidence import Evidence, kind_of_error
from mongodriver.sdam.topology_description import TopologyDescription
from mongodriver.values.address import Address
from mongodriver.values.causes import CauseKind
from mongodriver.values.errors import OperationFailure, PyMongoError, reason
from mongodriver.values.hello import Hello
from mongodriver.values.hints import hint_for
from mongodriver.values.server_description import ServerDescription
from mongodriver.values.server_type import SERVER_TYPE

from .network import Network
from .report import HostReport, Status, Step

_PINGS = 7
_COMPRESSORS = ["zstd", "snappy", "zlib"]
#: What is wrong with a server that answers, whatever the others are.
_ODD = {CauseKind.SET_NAME, CauseKind.NOT_A_MEMBER, CauseKind.NOT_INITIATED}
_ODD |= {CauseKind.TOO_OLD, CauseKind.TOO_NEW}
_EXPIRES_SOON = timedelta(days=14)
_UNAUTHORIZED = 13
_NO_USER = "this server wants a login: add user and password to the connection string."
_NO_ROLES = "the login has no role: grant it one with grantRolesToUser."
_RENEW = "the server's certificate expires soon: renew it."


class Problem(Exception):
    """A step has failed, and it is known why."""

    def __init__(
        self, kind: CauseKind, detail: str, hint: str = "", facts: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.hint = hint or hint_for(kind)
        self.facts = facts or {}


class HostExamination:
    """Examines one host.

    :param options: the client's, completed by what DNS said.
    :param timeout: seconds for each step.
    """

    def __init__(
        self,
        address: Address,
        is_seed: bool,
        options: ClientOptions,
        timeout: float,
        secrets: Secrets,
    ) -> None:
        self.report = HostReport(address, is_seed)
        self.hello: Hello[Any] | None = None
        self._address = address
        self._options = options
        self._context = options.pool_options._ssl_context
        self._network = Network(address, options.pool_options._proxy, timeout)
        self._secrets = secrets
        backend = BlockingBackend()
        observer = Observer(options.pool_options._event_listeners)
        self._connector = Connector(backend, options.pool_options, observer)
        self._connection: Connection | None = None

    def run(self) -> HostReport:
        """All steps, each only if those before it went well."""
        steps: list[tuple[str, Callable[[Step], None]]] = [
            ("dns", self._dns),
            ("tcp", self._tcp),
            ("tls", self._tls),
            ("hello", self._hello),
            ("login", self._login),
            ("roles", self._roles),
            ("latency", self._latency),
        ]
        try:
            for name, action in steps:
                step = self._step(name, action)
                self.report.steps.append(step)
                if step.status == Status.FAILED:
                    break
        finally:
            if self._connection is not None:
                self._connection.close()
        return self.report

    def _step(self, name: str, action: Callable[[Step], None]) -> Step:
        step = Step(name)
        start = monotonic()
        try:
            action(step)
        except Problem as problem:
            step.status, step.kind, step.hint = Status.FAILED, problem.kind, problem.hint
            step.detail = self._secrets.hide(problem.detail)
            step.facts |= problem.facts
        except (PyMongoError, OSError) as exc:
            step.status, step.kind = Status.FAILED, kind_of_error(exc)
            step.detail, step.hint = self._secrets.hide(reason(exc)), hint_for(step.kind)
        step.milliseconds = round((monotonic() - start) * 1000, 3)
        return step

    # -- the network --

    def _dns(self, step: Step) -> None:
        step.detail = self._network.why_not_looked_up
        if step.detail:
            step.status = Status.SKIPPED
            return
        step.facts["addresses"] = found = self._network.look_up()
        step.detail = ", ".join(found)

    def _tcp(self, step: Step) -> None:
        with self._network.open():
            step.detail = "connected"

    def _tls(self, step: Step) -> None:
        if self._context is None:
            step.status, step.detail = Status.SKIPPED, "not asked for"
            return
        try:
            step.facts |= self._network.handshake(self._context)
        except OSError as exc:
            raise self._no_tls(exc) from exc
        facts = step.facts
        step.detail = f"{facts['protocol']}, {facts['cipher']}"
        if "valid_until" not in facts:
            return
        step.detail += f"; certificate of {facts['subject'] or ', '.join(facts['names'])}"
        step.detail += f" by {facts['issuer']}, valid until {facts['valid_until'][:10]}"
        if datetime.fromisoformat(facts["valid_until"]) - datetime.now(UTC) < _EXPIRES_SOON:
            step.status, step.kind, step.hint = Status.WARNING, CauseKind.TLS_EXPIRED, _RENEW

    def _no_tls(self, exc: OSError) -> Problem:
        kind = kind_of_error(exc)
        facts = self._network.unverified_handshake() if is_certificate_error(exc) else {}
        if kind == CauseKind.TLS_CLOSED and self._network.speaks_plain_text():
            kind = CauseKind.TLS_PLAIN_TEXT
        return Problem(kind, reason(exc), "", facts)

    # -- the server --

    def _hello(self, step: Step) -> None:
        try:
            connection = self._connect(monitor=not self._options.load_balanced)
        except (PyMongoError, OSError) as exc:
            raise self._no_hello(exc) from exc
        self._connection = connection
        self.hello = hello = connection.hello
        server = ServerDescription(self._address, hello)
        step.facts |= {
            "version": self._version(connection),
            "type": server.server_type_name,
            "set": hello.replica_set_name,
            "me": hello.document.get("me"),
            "primary": hello.document.get("primary"),
            "hosts": hello.document.get("hosts"),
            "wire_versions": [hello.min_wire_version, hello.max_wire_version],
            "compressors": self._compressors(connection),
        }
        step.detail = self._told(step.facts)
        kind = self._oddity(server)
        if kind is not None:
            raise Problem(kind, step.detail, hint_for(kind, hello.replica_set_name))

    def _connect(self, monitor: bool) -> Connection:
        def opened(connection: Connection) -> None:
            return None

        if monitor:
            return run(self._connector.connect_monitor(self._address, opened))
        return run(self._connector.connect(self._address, 1, 0, opened, self._network.deadline()))

    def _no_hello(self, exc: Exception) -> Problem:
        kind = kind_of_error(exc)
        if kind == CauseKind.CLOSED and self._context is not None:
            if self._network.refuses_certificate(self._context):
                kind = CauseKind.TLS_CLIENT_CERTIFICATE
        elif kind == CauseKind.CLOSED:
            facts = self._network.unverified_handshake()
            if facts:
                return Problem(CauseKind.TLS_REQUIRED, reason(exc), "", facts)
        return Problem(kind, reason(exc))

    def _version(self, connection: Connection) -> str | None:
        version = self._ask(connection, {"buildInfo": 1}).get("version")
        return version if isinstance(version, str) else None

    def _compressors(self, connection: Connection) -> list[str]:
        found = self._ask(connection, {"hello": 1, "compression": _COMPRESSORS}).get("compression")
        return [name for name in found if isinstance(name, str)] if found else []

    def _ask(self, connection: Connection, body: dict[str, Any]) -> dict[str, Any]:
        """The reply to a command, whatever it says; {} where the server knows no such messages."""
        if connection.closed or not connection.max_wire_version:
            return {}
        try:
            return run(connection.run({**body, "$db": "admin"}, self._network.deadline()))
        except (OSError, PyMongoError):
            return {}

    def _told(self, facts: dict[str, Any]) -> str:
        version = facts["version"] or f"wire version {facts['wire_versions'][1]}"
        member = f" of {facts['set']!r}" if facts["set"] else ""
        offers = ", ".join(facts["compressors"]) or "none"
        return f"MongoDB {version}, {facts['type']}{member}; compressors: {offers}"

    def _oddity(self, server: ServerDescription) -> CauseKind | None:
        """What the driver would have against this server, if nothing else were there."""
        seeds = (self._address,)
        description = TopologyDescription.initial(topology_settings(self._options, seeds))
        evidence = Evidence(seeds)
        description = description.apply(server)
        evidence.note(server, description.server_descriptions().get(self._address))
        for cause in causes(description, evidence, None):
            if cause.address == self._address and cause.kind in _ODD:
                return cause.kind
        return None

    # -- the user --

    def _login(self, step: Step) -> None:
        credential = self._options._credentials
        is_arbiter = self.hello is not None and self.hello.server_type == SERVER_TYPE.RSArbiter
        if credential is None or is_arbiter:
            step.status = Status.SKIPPED
            step.detail = "arbiters have no users" if is_arbiter else "no user given"
            return
        step.facts |= {"user": credential.username, "source": credential.source}
        connection = self._connect(monitor=False)
        if self._connection is not None:
            self._connection.close()
        self._connection = connection
        mechanism = credential.mechanism
        if mechanism == "DEFAULT":
            supported = connection.hello.sasl_supported_mechs
            mechanism = "SCRAM-SHA-256" if "SCRAM-SHA-256" in supported else "SCRAM-SHA-1"
        step.facts["mechanism"] = mechanism
        step.detail = f"{credential.username or 'the certificate'} of {credential.source}"
        step.detail += f", {mechanism}"

    def _roles(self, step: Step) -> None:
        assert self._connection is not None
        if self._options._credentials is None:
            self._see_whether_a_login_is_needed(step)
            return
        status = self._ask(self._connection, {"connectionStatus": 1})
        found = (status.get("authInfo") or {}).get("authenticatedUserRoles", [])
        roles = sorted(f"{role['role']}@{role['db']}" for role in found)
        step.facts["roles"] = roles
        step.detail = ", ".join(roles)
        is_arbiter = self._connection.server_type == SERVER_TYPE.RSArbiter
        if not status or is_arbiter:
            step.status, step.detail = Status.SKIPPED, "not told"
        elif not roles:
            step.status, step.detail = Status.WARNING, "none"
            step.kind, step.hint = CauseKind.AUTHENTICATION, _NO_ROLES

    def _see_whether_a_login_is_needed(self, step: Step) -> None:
        assert self._connection is not None
        anywhere = {"$readPreference": {"mode": "secondaryPreferred"}}
        command = {"listDatabases": 1, "nameOnly": True, **anywhere}
        reply = self._ask(self._connection, command)
        error = command_error(reply) if reply else None
        needed = isinstance(error, OperationFailure) and error.code == _UNAUTHORIZED
        step.facts["login_required"] = needed
        if needed:
            raise Problem(CauseKind.AUTHENTICATION, "nothing without a login", _NO_USER)
        step.detail = "no login needed"

    def _latency(self, step: Step) -> None:
        assert self._connection is not None
        trips = []
        for _ in range(_PINGS):
            start = monotonic()
            run(self._connection.run({"ping": 1, "$db": "admin"}, self._network.deadline()))
            trips.append(round((monotonic() - start) * 1000, 3))
        median = round(statistics.median(trips), 3)
        step.facts |= {"median_ms": median, "min_ms": min(trips), "max_ms": max(trips)}
        step.detail = f"{median:.2f} ms (median of {_PINGS}; {min(trips):.2f} to {max(trips):.2f})"

"""A whole deployment: its names in DNS, its hosts side by side, and what the driver makes of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

from mongodriver.client.client import Client
from mongodriver.command_line.secrets import Secrets
from mongodriver.io.blocking import run
from mongodriver.io.dns import resolve_srv, resolve_txt
from mongodriver.mongo_client import MongoClient
from mongodriver.sdam.evidence import kind_of_error
from mongodriver.values.address import Address, address_text
from mongodriver.values.causes import CauseKind
from mongodriver.values.errors import PyMongoError, ServerSelectionTimeoutError, reason
from mongodriver.values.hints import hint_for

from .host import HostExamination
from .report import Report, Status, Step

_MOST_AT_ONCE = 16
_SRV_HINT = (
    "the SRV and TXT records of this name are not as they must be: is it spelled right, is"
    " dnspython installed, does DNS answer?"
)


def examine(uri: str, timeout: float) -> Report:
    """All findings about a connection string.

    :param timeout: seconds for each step.
    :raises ConfigurationError, InvalidURI, ValueError, TypeError: for a string that is wrong.
    """
    limit = max(1, int(timeout * 1000))  # 0 would mean none
    limits = ("connectTimeoutMS", "socketTimeoutMS", "serverSelectionTimeoutMS")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        options: dict[str, Any] = dict.fromkeys(limits, limit)
        client: MongoClient[Any] = MongoClient(uri, connect=False, **options)
    examination = _Examination(client, timeout, Secrets(uri))
    with client:
        examination.told(caught)
        examination.run()
    return examination.report


class _Examination:
    def __init__(self, client: MongoClient[Any], timeout: float, secrets: Secrets) -> None:
        self.report = Report()
        self._client = client
        self._core: Client = client._core
        self._timeout = timeout
        self._secrets = secrets

    def told(self, caught: Iterable[warnings.WarningMessage]) -> None:
        """Take the warnings about options."""
        for warning in caught:
            text = self._secrets.hide(str(warning.message))
            hint = "correct or remove this option of the connection string."
            self.report.steps.append(Step("options", Status.WARNING, text, hint=hint))

    def run(self) -> None:
        if self._core.discovery is not None and not self._step("srv", self._srv):
            return
        seeds = sorted(self._core.seeds, key=str)
        done = self._hosts(seeds, is_seed=True)
        done += self._hosts(self._other_members(done, seeds), is_seed=False)
        if any(one.report.failure is None for one in done):
            # Where no host is any good, waiting for a server would tell nothing new.
            self._step("selection", self._selection)

    def _step(self, name: str, action: Callable[[Step], None]) -> bool:
        step = Step(name)
        start = monotonic()
        try:
            action(step)
        except (PyMongoError, ImportError, ValueError) as exc:
            kind = kind_of_error(exc)
            step.status, step.kind, step.hint = Status.FAILED, kind, hint_for(kind)
            if name == "srv":
                step.kind, step.hint = CauseKind.DNS, _SRV_HINT
            elif isinstance(exc, ServerSelectionTimeoutError) and exc.causes:
                step.kind, step.hint = exc.causes[0].kind, exc.hint
            step.detail = self._secrets.hide(reason(exc).partition(", Topology Description")[0])
        step.milliseconds = round((monotonic() - start) * 1000, 3)
        self.report.steps.append(step)
        return step.status != Status.FAILED

    def _srv(self, step: Step) -> None:
        discovery = self._core.discovery
        assert discovery is not None
        name = discovery.name
        hosts, ttl = resolve_srv(name.query, self._timeout)
        step.facts |= {"name": name.query, "hosts": list(map(address_text, hosts)), "ttl": ttl}
        step.facts["txt"] = resolve_txt(name.fqdn, self._timeout)
        # As the driver does it: this checks them, and gives the client its seeds and options.
        run(discovery.wait(monotonic() + self._timeout + 1))
        self._core.discovery = None
        step.detail = f"{name.query}: {', '.join(step.facts['hosts'])}"
        if step.facts["txt"]:
            step.detail += f"; TXT: {step.facts['txt']}"

    def _hosts(self, addresses: Sequence[Address], is_seed: bool) -> list[HostExamination]:
        options, timeout = self._client.options, self._timeout
        examinations = [
            HostExamination(address, is_seed, options, timeout, self._secrets)
            for address in addresses
        ]
        if examinations:
            with ThreadPoolExecutor(min(len(examinations), _MOST_AT_ONCE)) as pool:
                self.report.hosts += pool.map(HostExamination.run, examinations)
        return examinations

    def _other_members(
        self, done: Iterable[HostExamination], seeds: Sequence[Address]
    ) -> list[Address]:
        """Members that the hosts name, and the user did not."""
        if self._client.options.direct_connection:
            return []
        found = {
            address
            for one in done
            if one.hello is not None and one.report.failure is None
            for address in one.hello.all_hosts
        }
        known = {(host.lower(), port) for host, port in seeds}
        return sorted(found - known)

    def _selection(self, step: Step) -> None:
        """What an application would do: a command, where its read preference wants it."""
        preference = self._client.read_preference
        self._client.admin.command("ping", read_preference=preference)
        description = self._core.description
        name = description.replica_set_name
        servers = list(description.server_descriptions().values())
        step.facts |= {"type": description.topology_type_name, "set": name}
        step.facts["servers"] = {address_text(s.address): s.server_type_name for s in servers}
        writable = ", ".join(address_text(s.address) for s in servers if s.is_writable)
        step.detail = description.topology_type_name + (f" {name!r}" if name else "")
        step.detail += f"; read preference {preference.mongos_mode}"
        step.detail += f"; writes go to {writable}" if writable else "; nobody takes writes"

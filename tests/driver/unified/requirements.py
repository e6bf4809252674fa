"""What tests ask for of a deployment: runOnRequirements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .values import equal


class Deployment:
    """A deployment that tests can run on.

    :param uri: where it is, with the credentials if it wants any; of several mongos the first.
    :param entrances: a URI of all mongos, or of a load balancer with several services behind it.
    :param store: where the data are: the same for all that look into the same ones.
    :param parameters: what getParameter says of it.
    """

    def __init__(
        self,
        name: str,
        uri: str,
        admin: Any,
        *,
        entrances: str,
        store: str,
        version: Iterable[int],
        topology: str,
        parameters: Mapping[str, Any],
        auth: bool,
    ) -> None:
        self.name = name
        self.uri = uri
        self.entrances = entrances
        self.store = store
        #: The internal client.
        self.admin = admin
        self.version = tuple(version)[:3]
        self.topology = topology
        self.parameters = parameters
        self.auth = auth

    def lacks(self, requirement: Mapping[str, Any]) -> str | None:
        """What the deployment lacks of one requirement, or None if it has everything."""
        for name, value in requirement.items():
            # An unknown name is a KeyError: `format` has refused it before.
            if not _CHECKS[name](self, value):
                return f"{name} {_text(value)}"
        return None


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _numbers(version: str) -> tuple[int, ...]:
    parts = tuple(int(part) for part in version.split("."))
    return parts + (0,) * (3 - len(parts))


def _topologies(deployment: Deployment, value: list[str]) -> bool:
    kinds = {deployment.topology}
    if deployment.topology == "sharded":
        kinds.add("sharded-replicaset")
    return not kinds.isdisjoint(value)


def _parameters(deployment: Deployment, value: Mapping[str, Any]) -> bool:
    missing = object()
    return all(equal(v, deployment.parameters.get(k, missing)) for k, v in value.items())


def _mechanism(deployment: Deployment, value: str) -> bool:
    known = deployment.parameters.get("authenticationMechanisms", ())
    return value.lower() in {mechanism.lower() for mechanism in known}


def _encrypts(value: bool | Mapping[str, str]) -> bool:
    """Whether there is client-side encryption, or as new a libmongocrypt."""
    try:
        from pymongocrypt import libmongocrypt_version
    except ImportError:
        return value is False
    if isinstance(value, Mapping):
        have = libmongocrypt_version().partition("-")[0]
        return _numbers(have) >= _numbers(value["minLibmongocryptVersion"])
    return value


_CHECKS: dict[str, Any] = {
    "minServerVersion": lambda it, value: it.version >= _numbers(value),
    "maxServerVersion": lambda it, value: it.version <= _numbers(value),
    "topologies": _topologies,
    "serverless": lambda it, value: value != "require",
    "serverParameters": _parameters,
    "auth": lambda it, value: it.auth is value,
    "authMechanism": _mechanism,
    "csfle": lambda it, value: _encrypts(value),
}


def why_not(deployment: Deployment, *lists: Any) -> str | None:
    """Why tests with these lists of requirements cannot run there; None if they can."""
    for requirements in lists:
        missing = [deployment.lacks(requirement) for requirement in requirements or ()]
        if missing and None not in missing:
            return " or ".join(dict.fromkeys(filter(None, missing)))
    return None


async def find_out(name: str, uri: str, admin: Any, *, entrances: str, store: str) -> Deployment:
    """What a client's deployment is."""
    info = await admin.server_info()
    hello = await admin.admin.command("hello")
    parameters = await admin.admin.command({"getParameter": "*"})
    options = await admin.admin.command("getCmdLineOpts")
    topology = "replicaset" if "setName" in hello else "single"
    if hello.get("msg") == "isdbgrid":
        topology = "load-balanced" if "loadBalanced=true" in uri else "sharded"
    security = options["parsed"].get("security", {})
    return Deployment(
        name,
        uri,
        admin,
        entrances=entrances,
        store=store,
        version=info["versionArray"],
        topology=topology,
        parameters=parameters,
        auth=security.get("authorization") == "enabled" or "keyFile" in security,
    )

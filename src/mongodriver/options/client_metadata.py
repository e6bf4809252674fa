"""What a client tells the server about itself (mongodb-handshake specification)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import bsonx
from mongodriver._version import __version__
from mongodriver.values.driver_info import DriverInfo

__all__ = [
    "MAX_METADATA_SIZE",
    "client_metadata",
    "container_info",
    "environment",
    "faas_name",
]

MAX_METADATA_SIZE = 512

Environ = Mapping[str, str]

_INT32_MAX = 2**31 - 1
_MAX_AGENT_SIZE = 64

# Coding agents by the variable each of them sets for the commands it runs.
_AGENTS = {
    "AUGMENT_AGENT": "auggie_cli",
    "CLAUDECODE": "claude_code",
    "CLINE_ACTIVE": "cline",
    "CODEX_SANDBOX": "codex_cli",
    "CURSOR_AGENT": "cursor",
    "GEMINI_CLI": "gemini_cli",
    "GOOSE_TERMINAL": "goose",
    "OPENCODE": "opencode_client",
}
_GENERIC_AGENT = "AI_AGENT"


def faas_name(environ: Environ) -> str | None:
    """Return the kind of function service a process runs on, or None (also if ambiguous)."""
    found = []
    if environ.get("AWS_EXECUTION_ENV", "").startswith("AWS_Lambda_") or environ.get(
        "AWS_LAMBDA_RUNTIME_API"
    ):
        found.append("aws.lambda")
    if environ.get("FUNCTIONS_WORKER_RUNTIME"):
        found.append("azure.func")
    if environ.get("K_SERVICE") or environ.get("FUNCTION_NAME"):
        found.append("gcp.func")
    if environ.get("VERCEL"):
        found.append("vercel")
    if found == ["aws.lambda", "vercel"]:
        return "vercel"
    return found[0] if len(found) == 1 else None


_FAAS_FIELDS: dict[str, dict[str, str]] = {
    "aws.lambda": {"region": "AWS_REGION", "memory_mb": "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"},
    "azure.func": {},
    "gcp.func": {
        "region": "FUNCTION_REGION",
        "memory_mb": "FUNCTION_MEMORY_MB",
        "timeout_sec": "FUNCTION_TIMEOUT_SEC",
    },
    "vercel": {"region": "VERCEL_REGION"},
}


def container_info(environ: Environ, in_docker: bool) -> dict[str, str]:
    """Return what runs the container that a process is in; nothing if it is in none."""
    found = {}
    if in_docker:
        found["runtime"] = "docker"
    if environ.get("KUBERNETES_SERVICE_HOST"):
        found["orchestrator"] = "kubernetes"
    return found


def environment(environ: Environ, in_docker: bool) -> dict[str, Any]:
    """Return the `env` document: container, function service and coding agent, if any."""
    env: dict[str, Any] = {}
    container = container_info(environ, in_docker)
    if container:
        env["container"] = container
    name = faas_name(environ)
    if name:
        env["name"] = name
        for field, variable in _FAAS_FIELDS[name].items():
            value = environ.get(variable)
            if value and field == "region":
                env[field] = value
            elif value and value.isdecimal() and int(value) <= _INT32_MAX:
                env[field] = int(value)
    agent = _agent(environ)
    if agent:
        env["agent"] = agent
    return env


def _agent(environ: Environ) -> str:
    for variable, agent in _AGENTS.items():
        if environ.get(variable):
            return agent
    return _cut(environ.get(_GENERIC_AGENT, ""), _MAX_AGENT_SIZE)


def client_metadata(
    *,
    appname: str | None,
    drivers: Iterable[DriverInfo],
    is_sync: bool,
    has_c: bool,
    os: Mapping[str, str],
    platform: str,
    env: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the `client` document of the handshake, of at most 512 bytes.

    `drivers` are the libraries built on this one; `os` has type, name, architecture and version;
    `platform` names the interpreter; `env` is what `environment` returned.
    """
    names, versions, platforms = ["mongodriver"], [__version__], [platform]
    for flag, name in ((has_c, "c"), (not is_sync, "async")):
        if flag:
            names.append(name)
            versions.append("")
    for driver in drivers:
        names.append(driver.name)
        versions.append(driver.version or "")
        if driver.platform:
            platforms.append(driver.platform)
    metadata: dict[str, Any] = {
        "driver": {"name": "|".join(names), "version": "|".join(versions)},
        "os": dict(os),
        "platform": "|".join(platforms),
    }
    if appname:
        metadata["application"] = {"name": appname}
    if env:
        metadata["env"] = copy.deepcopy(dict(env))
    _shrink(metadata)
    return metadata


def _excess(metadata: Mapping[str, Any]) -> int:
    return len(bsonx.encode(metadata)) - MAX_METADATA_SIZE


def _shrink(metadata: dict[str, Any]) -> None:
    """Leave out what matters least until the document fits."""
    if _excess(metadata) <= 0:
        return
    env = metadata.pop("env", {})
    essential = {name: env[name] for name in ("name", "agent") if name in env}
    if essential:
        metadata["env"] = essential
    if _excess(metadata) <= 0:
        return
    metadata["os"] = {"type": metadata["os"]["type"]}
    if _excess(metadata) <= 0:
        return
    metadata.pop("env", None)
    _truncate(metadata, "platform")
    _truncate(metadata["driver"], "version", metadata)
    _truncate(metadata["driver"], "name", metadata)


def _truncate(document: dict[str, Any], name: str, whole: Mapping[str, Any] | None = None) -> None:
    """Shorten a field, or remove it, so that the whole metadata fits."""
    excess = _excess(document if whole is None else whole)
    if excess <= 0:
        return
    text = document[name]
    keep = len(text.encode("utf-8")) - excess
    if keep > 0:
        document[name] = _cut(text, keep)
    else:
        del document[name]


def _cut(text: str, size: int) -> str:
    """Return as much of `text` as fits into `size` bytes of UTF-8."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")

"""The deployments that the specifications' tests run on, started when a test first needs one.

Where ``MONGODRIVER_TEST_URI`` names a deployment, that is the only one. The variable
``MONGODRIVER_SPEC_DEPLOYMENTS`` says how many of those that suit a test it runs on: the "first"
(the default), or "all". SecantusDB, which imitates newer servers, is the last resort: only tests
that no mongod here suits run there.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from unified.requirements import Deployment, find_out, why_not

import newer_server
from mongodriver.local import LocalServer
from mongodriver.uri_parser import parse_uri
from oidc_proxy import OidcProxy
from resting import resting_server
from sharded_proxy import ShardedProxy

_ON_ALL = os.environ.get("MONGODRIVER_SPEC_DEPLOYMENTS", "first") == "all"
_USER = {"createUser": "runner", "pwd": "secret", "roles": ["root"]}


class Servers:
    """Servers by name, of one process; those of the first flavour serve the second too."""

    def __init__(self, uri: str, folder: Path) -> None:
        self._uris = {"replica set": uri}
        self._folder = folder
        self._stack = ExitStack()
        #: URIs of all entrances to what has several, by name.
        self.entrances: dict[str, str] = {}
        alone = "MONGODRIVER_TEST_URI" in os.environ
        self.names = ["replica set"]
        if not alone:
            self.names += ["standalone", "secured set", *_BEHIND]
        #: Those that only imitate servers, where they are to be had.
        self.imitations = [] if alone or newer_server.program() is None else [newer_server.NAME]

    def uri(self, name: str) -> str:
        """Where a server is; it is started if it was not."""
        if name not in self._uris:
            self._uris[name] = _STARTS[name](self)
        return self._uris[name]

    def store(self, name: str) -> str:
        """Where the data of a deployment are, which others may look into as well."""
        return self.uri(_BEHIND.get(name, name))

    def _start(self) -> str:
        return str(self._stack.enter_context(resting_server()).uri)

    def _start_three(self) -> str:
        return str(self._stack.enter_context(LocalServer("rs0", 3)).uri)

    def _start_secured(self) -> str:
        """A replica set that wants passwords and TLS."""
        trustme = pytest.importorskip("trustme")  # not to be had on every interpreter
        authority = trustme.CA()
        ca, certificate, key = (self._folder / name for name in ("ca.pem", "server.pem", "key"))
        authority.cert_pem.write_to_path(ca)
        issued = authority.issue_cert("127.0.0.1", "localhost")
        issued.private_key_and_cert_chain_pem.write_to_path(certificate)
        key.write_text("c2VjcmV0" * 4)
        key.chmod(0o600)
        arguments = ["--auth", "--keyFile", str(key), "--tlsMode", "requireTLS"]
        arguments += ["--tlsCertificateKeyFile", str(certificate), "--tlsCAFile", str(ca)]
        arguments += ["--tlsAllowConnectionsWithoutCertificates"]
        server = self._stack.enter_context(resting_server("rs0", arguments))
        server.command(0, _USER)
        scheme, _, rest = server.uri.partition("://")
        joint = "&" if "?" in rest else "/?" if "/" not in rest else "?"
        return f"{scheme}://runner:secret@{rest}{joint}authSource=admin&tls=true&tlsCAFile={ca}"

    def _start_tokens(self) -> str:
        """The replica set behind one that wants access tokens, and the environment they are in."""
        host, _, port = (
            self._uris["replica set"].partition("://")[2].partition("/")[0].partition(":")
        )
        token = self._folder / "token"
        token.write_text("a token")
        proxy = OidcProxy((host, int(port)), token.read_text())
        self._stack.callback(proxy.close)
        patch = self._stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("OIDC_TOKEN_FILE", str(token))
        patch.setenv("MONGODRIVER_TEST_AUTHMECHANISMPROPERTIES", "ENVIRONMENT:test")
        options = "directConnection=true&serverMonitoringMode=poll&authMechanism=MONGODB-OIDC"
        address = "{}:{}".format(*proxy.address)
        return f"mongodb://{address}/?{options}&authMechanismProperties=ENVIRONMENT:test"

    def _proxy(self, name: str, services: int = 0) -> str:
        (server,) = parse_uri(self.store(name))["nodelist"]
        proxy = self._stack.enter_context(ShardedProxy(server, services))
        return f"127.0.0.1:{proxy.address[1]}"

    def _start_sharded(self) -> str:
        """Two mongos, as it seems."""
        one, other = (self._proxy("sharded") for _ in range(2))
        self.entrances["sharded"] = f"mongodb://{one},{other}/"
        return f"mongodb://{one}/"

    def _start_load_balanced(self) -> str:
        """A load balancer in front of one service, and one in front of two."""
        one, two = (self._proxy("load balanced", services) for services in (1, 2))
        self.entrances["load balanced"] = f"mongodb://{two}/?loadBalanced=true"
        return f"mongodb://{one}/?loadBalanced=true"

    def _start_newer(self) -> str:
        return self._stack.enter_context(newer_server.Secantus()).uri

    def close(self) -> None:
        """Stop those that were started here."""
        self._stack.close()


#: What answers for whom.
_BEHIND = {"sharded": "replica set", "load balanced": "replica set"}
_STARTS = {
    "standalone": Servers._start,
    "sharded": Servers._start_sharded,
    "load balanced": Servers._start_load_balanced,
    "secured set": Servers._start_secured,
    "three members": Servers._start_three,
    "access tokens": Servers._start_tokens,
    newer_server.NAME: Servers._start_newer,
}


class Deployments:
    """The deployments as one flavour sees them."""

    def __init__(self, flavour: Any, servers: Servers) -> None:
        self._flavour = flavour
        self._servers = servers
        self._known: dict[str, Deployment] = {}

    async def suitable(self, *requirements: Any, only: str | None = None) -> list[Deployment]:
        """Those a test with these lists of requirements can run on; skips it if there are none.

        :param only: the one it needs, whatever else suits.
        """
        found, reasons = [], []
        servers = self._servers
        names = [only] if only is not None else [*servers.names, *servers.imitations]
        for name in names:
            if found and name in servers.imitations:
                break
            deployment = await self._get(name)
            reason = why_not(deployment, *requirements)
            if reason is not None:
                reasons.append(reason)
                continue
            found.append(deployment)
            if not _ON_ALL:
                break
        if not found:
            pytest.skip(f"no server here suits: {' / '.join(dict.fromkeys(reasons))}")
        return found

    async def _get(self, name: str) -> Deployment:
        if name not in self._known:
            servers = self._servers
            uri = servers.uri(name)
            self._known[name] = await find_out(
                name,
                uri,
                self._flavour.make(uri),
                entrances=servers.entrances.get(name, uri),
                store=servers.store(name),
            )
        return self._known[name]

    def close(self) -> None:
        """Close the internal clients."""

        async def close() -> None:
            for deployment in self._known.values():
                await deployment.admin.close()

        self._flavour.run(close())

"""A Kerberos realm of our own: MIT's key distribution center, for tests of GSSAPI.

It needs the programs of Debian's packages krb5-kdc, krb5-admin-server and krb5-user, and the
package `gssapi`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

REALM = "TOWN.TEST"
USER, PASSWORD = f"ada@{REALM}", "s3cr3t-pencil"
HOST = "db.town.test"

_CLIENTS = """
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
[domain_realm]
  .town.test = {realm}
  localhost = {realm}
[logging]
  kdc = FILE:{folder}/kdc.log
"""

_SERVER = """
[kdcdefaults]
  kdc_listen = 127.0.0.1:{port}
  kdc_tcp_listen = 127.0.0.1:{port}
[realms]
  {realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/acl
    max_life = 1h
  }}
"""

_PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")


def program(name: str) -> str | None:
    """Where a program is: the server's are for root, whose path has them."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def missing() -> str | None:
    """What is missing for a realm; None if nothing is."""
    lacking = [name for name in _PROGRAMS if program(name) is None]
    return f"there is no {', '.join(lacking)} (Debian: krb5-kdc, krb5-user)" if lacking else None


class Realm:
    """A realm with one user, and one service on each of two hosts, while it is entered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self.environment = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{folder / 'tickets'}",
            "KRB5_KTNAME": f"FILE:{folder / 'services.keytab'}",
        }

    def __enter__(self) -> Realm:
        values = {"realm": REALM, "port": self._port, "folder": self._folder}
        (self._folder / "krb5.conf").write_text(_CLIENTS.format(**values))
        (self._folder / "kdc.conf").write_text(_SERVER.format(**values))
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
        self._admin(f"addprinc -pw {PASSWORD} {USER}")
        for service in (f"mongodb/{HOST}", "mongodb/localhost", f"other/{HOST}"):
            self._admin(f"addprinc -randkey {service}@{REALM}")
            keytab = self.environment["KRB5_KTNAME"].removeprefix("FILE:")
            self._admin(f"ktadd -k {keytab} {service}@{REALM}")
        self._process = subprocess.Popen(
            [program("krb5kdc"), "-n", "-r", REALM],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)

    def log_in(self) -> None:
        """Get the user a ticket, as kinit does."""
        self._run("kinit", USER, given=PASSWORD + "\n")

    def log_out(self) -> None:
        """Throw the tickets away."""
        (self._folder / "tickets").unlink(missing_ok=True)

    def _admin(self, command: str) -> None:
        self._run("kadmin.local", "-r", REALM, "-q", command)

    def _run(self, name: str, *args: str, given: str = "") -> None:
        command = [program(name) or name, *args]
        subprocess.run(
            command,
            env={**os.environ, **self.environment},
            input=given,
            text=True,
            check=True,
            capture_output=True,
            timeout=120,
        )

    def _wait(self) -> None:
        """Return when the center listens."""
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 5).close()
                return
            except OSError:
                assert self._process.poll() is None, "the key distribution center has ended"
                assert time.monotonic() < end
                time.sleep(0.01)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port

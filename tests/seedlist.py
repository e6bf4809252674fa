"""The records that the initial-dns-seedlist-discovery tests ask for, as their README lists them."""

from __future__ import annotations

from typing import Any

DOMAIN = "test.build.10gen.cc"

_SRV = """
_mongodb._tcp.test1    27017  localhost.test.build.10gen.cc.
_mongodb._tcp.test1    27018  localhost.test.build.10gen.cc.
_mongodb._tcp.test2    27018  localhost.test.build.10gen.cc.
_mongodb._tcp.test2    27019  localhost.test.build.10gen.cc.
_mongodb._tcp.test3    27017  localhost.test.build.10gen.cc.
_mongodb._tcp.test5    27017  localhost.test.build.10gen.cc.
_mongodb._tcp.test6    27017  localhost.test.build.10gen.cc.
_mongodb._tcp.test7    27017  localhost.test.build.10gen.cc.
_mongodb._tcp.test8    27017  localhost.test.build.10gen.cc.
_mongodb._tcp.test10   27017  localhost.test.build.10gen.cc.
_mongodb._tcp.test11   27017  localhost.test.build.10gen.cc.
_mongodb._tcp.test12   27017  localhost.build.10gen.cc.
_mongodb._tcp.test13   27017  test.build.10gen.cc.
_mongodb._tcp.test14   27017  localhost.not-test.build.10gen.cc.
_mongodb._tcp.test15   27017  localhost.test.not-build.10gen.cc.
_mongodb._tcp.test16   27017  localhost.test.build.not-10gen.cc.
_mongodb._tcp.test17   27017  localhost.test.build.10gen.not-cc.
_mongodb._tcp.test18   27017  localhost.sub.test.build.10gen.cc.
_mongodb._tcp.test19   27017  localhost.evil.build.10gen.cc.
_mongodb._tcp.test19   27017  localhost.test.build.10gen.cc.
_mongodb._tcp.test20   27017  localhost.test.build.10gen.cc.
_mongodb._tcp.test21   27017  localhost.test.build.10gen.cc.
_customname._tcp.test22  27017  localhost.test.build.10gen.cc.
_customname._tcp.test22  27018  localhost.test.build.10gen.cc.
_mongodb._tcp.test23   8000   localhost.test.build.10gen.cc.
_mongodb._tcp.test24   8000   localhost.test.build.10gen.cc.
"""

_TXT = """
test5   "replicaSet=repl0&authSource=thisDB"
test6   "replicaSet=repl0"
test6   "authSource=otherDB"
test7   "ssl=false"
test8   "authSource"
test10  "socketTimeoutMS=500"
test11  "replicaS" "et=rep" "l0"
test20  "loadBalanced=true"
test21  "loadBalanced=false"
test24  "loadBalanced=true"
"""


def records() -> dict[tuple[str, str], Any]:
    """The records, for a `DnsServer`."""
    zone: dict[tuple[str, str], Any] = {
        (f"localhost.{DOMAIN}", "A"): ["127.0.0.1"],
        (f"localhost.sub.{DOMAIN}", "A"): ["127.0.0.1"],
    }
    for line in _SRV.split("\n")[1:-1]:
        name, port, target = line.split()
        zone.setdefault((f"{name}.{DOMAIN}", "SRV"), []).append(f"0 5 {port} {target}")
    for line in _TXT.split("\n")[1:-1]:
        name, text = line.split(maxsplit=1)
        zone.setdefault((f"{name}.{DOMAIN}", "TXT"), []).append(text)
    return zone

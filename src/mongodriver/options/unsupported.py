"""Options that are known and checked, but that nothing acts on yet: a client refuses them.

Taking one would be worse than an error: certificates that were revoked, for instance, would be
trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongodriver.values.errors import ConfigurationError

__all__ = ["REFUSED", "refuse_unsupported"]

#: Why each is refused, by lower-case name.
REFUSED: dict[str, tuple[str, str]] = {
    "authoidcallowedhosts": (
        "authOIDCAllowedHosts",
        "hosts are allowed by ALLOWED_HOSTS in authMechanismProperties",
    ),
    "waitqueuemultiple": (
        "waitQueueMultiple",
        "any number of operations may wait for a connection, see waitQueueTimeoutMS",
    ),
}

_SRV_ONLY = {
    "srvservicename": "srvServiceName",
    "srvmaxhosts": "srvMaxHosts",
    "srvallowedhostssuffix": "srvAllowedHostsSuffix",
    "srv_host_validator": "srv_host_validator",
}


def refuse_unsupported(options: Mapping[str, Any], is_srv: bool = False) -> None:
    """Raise ConfigurationError for a checked option, as it was given, that would do nothing.

    Where the hosts are not looked up in DNS, the options of that are among them.
    """
    for option, (name, why) in REFUSED.items():
        if options.get(option):
            raise ConfigurationError(f"The {name} option is not supported yet: {why}.")
    for option, name in () if is_srv else _SRV_ONLY.items():
        if options.get(option):
            raise ConfigurationError(
                f"The {name} option is only allowed with 'mongodb+srv://' URIs"
            )

"""TLS options of key management services: ``kms_tls_options`` (KMS provider TLS options)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..options.client_options import ClientOptions
from ..options.connection_string import check_options, combine
from ..options.uri_options import CaseInsensitiveDict
from ..values.errors import ConfigurationError

if TYPE_CHECKING:
    from ..io.tls import Tls

__all__ = ["tls_by_service"]

_INSECURE = (
    "tlsInsecure",
    "tlsAllowInvalidCertificates",
    "tlsAllowInvalidHostnames",
    "tlsDisableCertificateRevocationCheck",
)


def tls_by_service(options: Mapping[str, Any] | None) -> dict[str, Tls]:
    """How TLS is spoken with services that have options of their own, by name.

    :raises TypeError, ValueError, ConfigurationError: for options that are wrong or unsafe.
    """
    if not options:
        return {}
    if not isinstance(options, dict):
        raise TypeError("kms_tls_options must be a dict")
    return {name: _tls(name, given) for name, given in options.items()}


def _tls(name: str, given: Any) -> Tls:
    if not isinstance(given, dict):
        raise TypeError(f'kms_tls_options["{name}"] must be a dict')
    given.setdefault("tls", True)  # in the user's own options, as PyMongo does
    given = CaseInsensitiveDict(given)
    options = combine(CaseInsensitiveDict(), given, False)
    check_options([], options)
    tls = ClientOptions(None, None, None, options).pool_options._tls
    if tls is None:
        raise ConfigurationError("TLS is required for KMS providers")
    if options.get("tlsInsecure") or options.get("tlsAllowInvalidHostnames"):
        raise ConfigurationError("Insecure TLS options prohibited")
    for option in _INSECURE:
        if option in given:
            raise ConfigurationError(f"Insecure TLS options prohibited: {option}")
    return tls

"""Who a client logs in as, and how (authentication specification)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mongodriver.values.errors import ConfigurationError
from mongodriver.values.mechanisms import MECHANISMS

__all__ = [
    "MECHANISMS",
    "AWSProperties",
    "CredentialCache",
    "GSSAPIProperties",
    "MongoCredential",
    "OIDCProperties",
    "build_credential",
]

EXTERNAL = "$external"

DEFAULT_ALLOWED_HOSTS = (
    "*.mongodb.net",
    "*.mongodb-dev.net",
    "*.mongodb-qa.net",
    "*.mongodbgov.net",
    "localhost",
    "127.0.0.1",
    "::1",
    "*.mongo.com",
)

_CANONICALIZE = [False, True, "none", "forward", "forwardAndReverse"]

# Mechanisms whose user the server finds out otherwise.
_USERNAME_OPTIONAL = ("MONGODB-X509", "MONGODB-AWS", "MONGODB-OIDC")


class GSSAPIProperties(NamedTuple):
    """Properties of Kerberos authentication."""

    service_name: str
    canonicalize_host_name: bool | str
    service_realm: str | None
    service_host: str | None


class AWSProperties(NamedTuple):
    """Properties of AWS authentication."""

    aws_session_token: str | None

    def __repr__(self) -> str:
        return "AWSProperties(...)"


class OIDCProperties(NamedTuple):
    """Properties of OpenID Connect authentication; an environment or one of the callbacks."""

    callback: Any | None
    human_callback: Any | None
    environment: str | None
    allowed_hosts: Any
    token_resource: str
    username: str


class CredentialCache(dict[Any, Any]):
    """What follows from a credential and is slow to work out: any two are as good as each other."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CredentialCache)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __repr__(self) -> str:
        return "CredentialCache(...)"


class MongoCredential(NamedTuple):
    """A checked credential. `mechanism` "DEFAULT" is settled by asking the server."""

    mechanism: str
    source: str
    username: str | None
    password: str | None
    mechanism_properties: GSSAPIProperties | AWSProperties | OIDCProperties | None
    #: Keys derived from the password, kept because deriving them is meant to be slow (scram.py).
    cache: CredentialCache

    def __repr__(self) -> str:
        return (
            f"MongoCredential(mechanism={self.mechanism!r}, source={self.source!r}, "
            f"username={self.username!r}, mechanism_properties={self.mechanism_properties!r})"
        )


def _credential(
    mechanism: str,
    source: str,
    username: str | None,
    password: str | None,
    properties: GSSAPIProperties | AWSProperties | OIDCProperties | None = None,
) -> MongoCredential:
    return MongoCredential(mechanism, source, username, password, properties, CredentialCache())


def build_credential(
    mechanism: str,
    source: str | None,
    username: str | None,
    password: str | None,
    properties: Mapping[str, Any] | None,
    database: str | None,
) -> MongoCredential:
    """Return the credential for a client's options.

    `source` is the authSource option, `database` the database of its URI. Raises
    ConfigurationError (ValueError for some wrong sources) if they do not fit the mechanism.
    """
    given = properties or {}
    if username is None and mechanism not in _USERNAME_OPTIONAL:
        raise ConfigurationError(f"{mechanism} requires a username")
    if mechanism == "GSSAPI":
        _require_external(mechanism, source, ValueError)
        return _credential(mechanism, EXTERNAL, username, password, _gssapi(given))
    if mechanism == "MONGODB-X509":
        if password is not None:
            raise ConfigurationError("Passwords are not supported by MONGODB-X509")
        _require_external(mechanism, source, ValueError)
        return _credential(mechanism, EXTERNAL, username, None)
    if mechanism == "MONGODB-AWS":
        if username is not None and password is None:
            raise ConfigurationError("username without a password is not supported by MONGODB-AWS")
        _require_external(mechanism, source, ConfigurationError)
        aws = AWSProperties(given.get("AWS_SESSION_TOKEN"))
        return _credential(mechanism, EXTERNAL, username, password, aws)
    if mechanism == "MONGODB-OIDC":
        oidc = _oidc(given, username, password)
        return _credential(mechanism, EXTERNAL, username, password, oidc)
    if mechanism == "PLAIN":
        return _credential(mechanism, source or database or EXTERNAL, username, password)
    if password is None:
        raise ConfigurationError("A password is required")
    return _credential(mechanism, source or database or "admin", username, password)


def _require_external(mechanism: str, source: str | None, error: type[Exception]) -> None:
    if source is not None and source != EXTERNAL:
        raise error(f"authentication source must be {EXTERNAL} or None for {mechanism}")


def _gssapi(given: Mapping[str, Any]) -> GSSAPIProperties:
    canonicalize = given.get("CANONICALIZE_HOST_NAME", False)
    # A dict of properties spells the bools out.
    canonicalize = {"true": True, "false": False}.get(canonicalize, canonicalize)
    if canonicalize not in _CANONICALIZE:
        raise ValueError(
            f"CANONICALIZE_HOST_NAME {canonicalize!r} not in valid options: {_CANONICALIZE}"
        )
    return GSSAPIProperties(
        service_name=given.get("SERVICE_NAME", "mongodb"),
        canonicalize_host_name=canonicalize,
        service_realm=given.get("SERVICE_REALM"),
        service_host=given.get("SERVICE_HOST"),
    )


def _oidc(given: Mapping[str, Any], username: str | None, password: str | None) -> OIDCProperties:
    callback = given.get("OIDC_CALLBACK")
    human_callback = given.get("OIDC_HUMAN_CALLBACK")
    environment = given.get("ENVIRONMENT")
    resource = given.get("TOKEN_RESOURCE", "")
    if "ALLOWED_HOSTS" in given and human_callback is None:
        raise ConfigurationError("ALLOWED_HOSTS is only valid with OIDC_HUMAN_CALLBACK")
    if password is not None:
        raise ConfigurationError("password is not supported by MONGODB-OIDC")
    if callback and human_callback:
        raise ConfigurationError("cannot set both OIDC_CALLBACK and OIDC_HUMAN_CALLBACK")
    if (callback or human_callback) is not None:
        if environment is not None:
            raise ConfigurationError(_OIDC_NEEDS)
    elif environment is None:
        raise ConfigurationError(_OIDC_NEEDS)
    else:
        _check_environment(environment, resource, username)
    return OIDCProperties(
        callback=callback,
        human_callback=human_callback,
        environment=environment,
        allowed_hosts=given.get("ALLOWED_HOSTS", list(DEFAULT_ALLOWED_HOSTS)),
        token_resource=resource,
        username=username or "",
    )


_OIDC_NEEDS = (
    "authentication with MONGODB-OIDC requires providing either a callback or a environment"
)


def _check_environment(environment: str, resource: str, username: str | None) -> None:
    if environment == "test":
        if username is not None:
            raise ConfigurationError("test environment for MONGODB-OIDC does not support username")
    elif environment == "azure":
        if not resource:
            raise ConfigurationError(
                "Azure environment for MONGODB-OIDC requires a TOKEN_RESOURCE auth mechanism "
                "property"
            )
    elif environment == "gcp":
        if not resource:
            raise ConfigurationError(
                "GCP provider for MONGODB-OIDC requires a TOKEN_RESOURCE auth mechanism property"
            )
    elif environment != "k8s":
        raise ConfigurationError(f"unrecognized ENVIRONMENT for MONGODB-OIDC: {environment}")


GSSAPIProperties.__module__ = MongoCredential.__module__ = "mongodriver.auth_shared"

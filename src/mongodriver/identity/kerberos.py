"""Kerberos by a library: `gssapi`, on Windows `winkerberos` (the extra "gssapi")."""

from __future__ import annotations

import base64
import sys
from importlib import import_module
from typing import Any
from urllib.parse import quote

from ..auth.credentials import GSSAPIProperties, MongoCredential
from ..auth.gssapi import SecurityContext
from ..values.errors import ConfigurationError, OperationFailure
from .host_names import canonical_name

_WINDOWS = sys.platform == "win32"
_LIBRARY = "winkerberos" if _WINDOWS else "gssapi"


def open_context(credential: MongoCredential, host: str) -> SecurityContext:
    """A conversation with the service at a host. Kerberos' servers may be asked, and DNS.

    :raises ConfigurationError: without the library.
    :raises OperationFailure: where Kerberos has no ticket.
    """
    properties = credential.mechanism_properties
    assert isinstance(properties, GSSAPIProperties)
    host = properties.service_host or host
    host = canonical_name(host, properties.canonicalize_host_name)
    kind = _Windows if _WINDOWS else _Gssapi
    try:
        return kind(credential, properties, host)
    except ImportError as exc:
        raise ConfigurationError(
            f"GSSAPI authentication needs the package {_LIBRARY}, which is installed with "
            f"the extra 'gssapi': {exc}"
        ) from exc


class _Gssapi:
    """A context of the package `gssapi`."""

    def __init__(self, credential: MongoCredential, properties: GSSAPIProperties, host: str):
        gssapi: Any = import_module("gssapi")
        self._errors = gssapi.exceptions.GSSError
        service, realm = properties.service_name, properties.service_realm
        try:
            if realm is None:
                kind = gssapi.NameType.hostbased_service
                target = gssapi.Name(f"{service}@{host}", kind)
            else:
                kind = gssapi.NameType.kerberos_principal
                target = gssapi.Name(f"{service}/{host}@{realm}", kind)
            user = gssapi.Name(credential.username, gssapi.NameType.user)
            self._context: Any = gssapi.SecurityContext(
                name=target,
                creds=self._credentials(gssapi, user, credential.password),
                mech=gssapi.MechType.kerberos,
                flags=gssapi.RequirementFlag.mutual_authentication
                | gssapi.RequirementFlag.integrity,
                usage="initiate",
            )
        except self._errors as exc:
            raise _failure(exc) from exc

    def _credentials(self, gssapi: Any, user: Any, password: str | None) -> Any:
        if password is None:
            return gssapi.Credentials(name=user, usage="initiate")
        found = gssapi.raw.acquire_cred_with_password(user, password.encode(), usage="initiate")
        return gssapi.Credentials(base=found.creds)

    @property
    def complete(self) -> bool:
        return bool(self._context.complete)

    def step(self, token: bytes | None) -> bytes | None:
        try:
            answer: bytes | None = self._context.step(token)
        except self._errors as exc:
            raise _failure(exc) from exc
        return answer

    def unwrap(self, message: bytes) -> bytes:
        try:
            return bytes(self._context.unwrap(message).message)
        except self._errors as exc:
            raise _failure(exc) from exc

    def wrap(self, message: bytes) -> bytes:
        try:
            return bytes(self._context.wrap(message, encrypt=False).message)
        except self._errors as exc:
            raise _failure(exc) from exc


class _Windows:
    """A context of the package `winkerberos`, which is SSPI."""

    def __init__(self, credential: MongoCredential, properties: GSSAPIProperties, host: str):
        winkerberos: Any = import_module("winkerberos")
        self._library = winkerberos
        self._errors = winkerberos.GSSError
        self._user = credential.username or ""
        self.complete = False
        target = f"{properties.service_name}/{host}"
        if properties.service_realm is not None:
            target = f"{target}@{properties.service_realm}"
        options: dict[str, Any] = {"gssflags": winkerberos.GSS_C_MUTUAL_FLAG}
        if credential.password is not None:
            # Without a password the user of the session logs in.
            options["principal"] = f"{quote(self._user)}:{quote(credential.password, safe='')}"
        _, self._context = self._try(winkerberos.authGSSClientInit, target, **options)

    def _try(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except self._errors as exc:
            raise _failure(exc) from exc

    def _answer(self) -> bytes:
        text = self._library.authGSSClientResponse(self._context)
        return base64.b64decode(text) if text else b""

    def step(self, token: bytes | None) -> bytes | None:
        text = base64.b64encode(token or b"").decode()
        state = self._try(self._library.authGSSClientStep, self._context, text)
        self.complete = state == self._library.AUTH_GSS_COMPLETE
        return self._answer()

    def unwrap(self, message: bytes) -> bytes:
        text = base64.b64encode(message).decode()
        self._try(self._library.authGSSClientUnwrap, self._context, text)
        return self._answer()

    def wrap(self, message: bytes) -> bytes:
        # Given a user, the library writes the choice of a security layer itself.
        text = base64.b64encode(message).decode()
        self._try(self._library.authGSSClientWrap, self._context, text, self._user)
        return self._answer()


def _failure(exc: Exception) -> OperationFailure:
    return OperationFailure(f"Kerberos: {exc}")

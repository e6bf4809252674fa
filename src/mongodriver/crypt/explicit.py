"""Explicit encryption: of values, with keys of the key vault."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bsonx.binary import Binary

from ..execution.timeouts import one_deadline
from ..values.requests import UpdateOne
from .callback import Outside
from .documents import fields_of
from .key_vault import KeyVault
from .kms import KeyServices
from .kms_tls import tls_by_service
from .machine import encryption_errors, explicit_encrypter, outcome

if TYPE_CHECKING:
    from ..client.client import Client

__all__ = ["Explicit"]


class Explicit:
    """What makes data keys, and encrypts and decrypts values.

    :param core: of the client that stores the keys.

    All methods raise EncryptionError for whatever goes wrong. All that one of them sends has one
    deadline: that of the client, or of a block with a time limit.
    """

    def __init__(
        self,
        is_sync: bool,
        core: Client,
        namespace: str,
        providers: Mapping[str, Any],
        tls_options: Mapping[str, Any] | None,
        key_expiration_ms: int | None,
        connect: Callable[[Any], Any] | None,
    ) -> None:
        self._timeout = core.options.timeout
        self.vault = KeyVault(namespace, lambda: core)
        services = KeyServices(core.backend, tls_by_service(tls_options), connect)
        options = {
            "kms_providers": providers,
            "bypass_encryption": True,
            "key_expiration_ms": key_expiration_ms,
        }
        self._machine = explicit_encrypter(is_sync, Outside(self.vault, services), options)

    async def create_data_key(
        self,
        provider: str,
        master_key: Mapping[str, Any] | None,
        names: Sequence[str] | None,
        material: bytes | None,
    ) -> Binary:
        """Make a data key and store it; its id."""
        with one_deadline(self._timeout), encryption_errors():
            made = self._machine.create_data_key(
                provider, master_key=master_key, key_alt_names=names, key_material=material
            )
            key_id: Binary = await outcome(made)
            return key_id

    async def rewrap(
        self, filter: Any, provider: str | None, master_key: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        """Encrypt data keys anew; the counts of the write, None where there were no keys."""
        with one_deadline(self._timeout):
            with encryption_errors():
                made = self._machine.rewrap_many_data_key(filter, provider, master_key)
                rewrapped = await outcome(made)
            if rewrapped is None:
                return None
            requests = [_replacement(key) for key in fields_of(rewrapped)["v"]]
            return await self.vault.bulk_write(requests) if requests else None

    async def encrypt(self, document: bytes, arguments: Mapping[str, Any]) -> bytes:
        """Encrypt the value of ``{"v": value}``."""
        with one_deadline(self._timeout), encryption_errors():
            encrypted: bytes = await outcome(self._machine.encrypt(document, **arguments))
            return encrypted

    async def decrypt(self, document: bytes) -> bytes:
        """Decrypt the value of ``{"v": value}``."""
        with one_deadline(self._timeout), encryption_errors():
            decrypted: bytes = await outcome(self._machine.decrypt(document))
            return decrypted

    def close(self) -> None:
        """Let go of the keys in memory."""
        self._machine.close()


def _replacement(key: Mapping[str, Any]) -> UpdateOne:
    change = {
        "$set": {"keyMaterial": key["keyMaterial"], "masterKey": key["masterKey"]},
        "$currentDate": {"updateDate": True},
    }
    return UpdateOne({"_id": key["_id"]}, change)

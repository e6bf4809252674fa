"""Automatic encryption of a client's commands, and decryption of the replies to them."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from bsonx import encode

from ..client.client import Client
from ..execution.encode import encode as encode_message
from ..execution.timeouts import until
from ..ops.base import Command
from ..options.client_options import ClientOptions
from ..options.uri_options import CaseInsensitiveDict
from .callback import Outside
from .documents import body_of, fields_of, reply_with, single_document
from .key_vault import FindCore, KeyVault
from .kms import KeyServices
from .kms_tls import tls_by_service
from .machine import auto_encrypter, encryption_errors, outcome
from .mongocryptd import Mongocryptd

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..execution.execution import Execution
    from ..options.connection_string import ParsedURI
    from ..options.encryption_options import AutoEncryptionOpts

__all__ = ["AutoCipher", "auto_cipher"]

#: What is sent at most before it is encrypted, unless a single statement is larger.
_MAX_MESSAGE_SIZE = 2 * 1024 * 1024

#: Fields that the driver has added to a command: nothing of them is ever encrypted.
_OWN_FIELDS = frozenset(
    {
        *("lsid", "txnNumber", "startTransaction", "autocommit", "$clusterTime", "$db"),
        *("$readPreference", "readConcern", "writeConcern", "maxTimeMS"),
        *("apiVersion", "apiStrict", "apiDeprecationErrors"),
    }
)


class AutoCipher:
    """See `execution.cipher.Cipher`.

    :param machine: an automatic encrypter of pymongocrypt's.
    :param bypass: encrypt nothing.
    :param clients: those that are closed with the one it serves.
    """

    def __init__(self, machine: Any, bypass: bool, clients: Sequence[Client]) -> None:
        self._machine = machine
        self._bypass = bypass
        self.clients = clients

    async def encrypt(self, execution: Execution, command: Command) -> Command:
        if self._bypass:
            return command
        body = command.body
        own = {name: body[name] for name in body if name in _OWN_FIELDS}
        plain = copy(command)
        plain.body = {name: value for name, value in body.items() if name not in own}
        limits: Any = _SmallMessages(execution.connection)
        document = single_document(encode_message(execution, limits, plain))
        with until(execution.deadline), encryption_errors():
            encrypted = await outcome(self._machine.encrypt(execution.operation.database, document))
        fields = fields_of(encrypted) | own
        ordered = {name: fields.pop(name) for name in body if name in fields}
        return Command(ordered | fields)

    async def decrypt(self, execution: Execution, message: bytes) -> bytes:
        body = body_of(message)
        with until(execution.deadline), encryption_errors():
            decrypted = await outcome(self._machine.decrypt(body))
        return message if decrypted == body else reply_with(message, decrypted)

    async def close(self) -> None:
        await outcome(self._machine.close())


class _SmallMessages:
    """The limits of a connection, but for the size of a batch before it is encrypted."""

    __slots__ = ("max_bson_size", "max_message_size", "max_write_batch_size")

    def __init__(self, connection: Connection) -> None:
        self.max_bson_size = connection.max_bson_size
        self.max_write_batch_size = connection.max_write_batch_size
        self.max_message_size = _MAX_MESSAGE_SIZE


def auto_cipher(core: Client, opts: AutoEncryptionOpts, srv: ParsedURI | None) -> AutoCipher:
    """The cipher of a client, which must not have been opened yet.

    :param srv: what the client's seeds are to be looked up by, if they are.
    :raises: what is wrong with the options, from here and from libmongocrypt.
    """
    is_sync = core.backend.name == "blocking"
    bypass = bool(opts._bypass_auto_encryption)
    clients: list[Client] = []
    find_own: FindCore
    if core.options.pool_options.max_pool_size and (opts._key_vault_client is None or not bypass):
        internal = _internal_client(core, srv, is_sync)
        clients.append(internal)
        find_own = _always(internal)
    else:
        find_own = weakref.ref(core)
    find_vault = find_own
    if opts._key_vault_client is not None:
        find_vault = _always(_core_of(opts._key_vault_client))
    outside = Outside(
        KeyVault(opts._key_vault_namespace, find_vault),
        KeyServices(
            core.backend, tls_by_service(opts._kms_tls_options), opts._kms_connect_callback
        ),
        None if bypass else find_own,
    )
    machine = auto_encrypter(is_sync, outside, _machine_options(opts))
    if not bypass and not opts._bypass_query_analysis and not _has_library(machine, opts):
        command = [opts._mongocryptd_spawn_path, *opts._mongocryptd_spawn_args]
        outside.mongocryptd = Mongocryptd(
            opts._mongocryptd_uri,
            None if opts._mongocryptd_bypass_spawn else command,
            core.backend,
            is_sync,
        )
        clients.append(outside.mongocryptd.core)
    return AutoCipher(machine, bypass, clients)


def _machine_options(opts: AutoEncryptionOpts) -> dict[str, Any]:
    schemas, fields = opts._schema_map, opts._encrypted_fields_map
    return {
        "kms_providers": opts._kms_providers,
        "schema_map": None if schemas is None else encode(schemas),
        "encrypted_fields_map": None if fields is None else encode(fields),
        "crypt_shared_lib_path": opts._crypt_shared_lib_path,
        "crypt_shared_lib_required": opts._crypt_shared_lib_required,
        "bypass_encryption": opts._bypass_auto_encryption,
        "bypass_query_analysis": opts._bypass_query_analysis,
        "key_expiration_ms": opts._key_expiration_ms,
        # Several collections may be described at once: aggregations look into others.
        "enable_multiple_collinfo": True,
    }


def _has_library(machine: Any, opts: AutoEncryptionOpts) -> bool:
    """Whether the library analyses commands, so that no process has to."""
    loaded = machine.mongocrypt.crypt_shared_lib_version is not None
    return loaded or bool(opts._crypt_shared_lib_required)


def _core_of(client: Any) -> Client:
    core = getattr(client, "_core", None)
    if not isinstance(core, Client):
        raise TypeError(f"key_vault_client must be a client, not {type(client)}")
    return core


def _always(core: Client) -> FindCore:
    return lambda: core


def _internal_client(core: Client, srv: ParsedURI | None, is_sync: bool) -> Client:
    """A client like another one, for what the connections of that must not wait for."""
    given = CaseInsensitiveDict(core.options._options)
    given["minPoolSize"] = 0
    given["auto_encryption_opts"] = None
    options = ClientOptions(*core.options._login, given, is_sync=is_sync)
    return Client(options, core.seeds, core.backend, name=core.name, opened_at=None, srv=srv)

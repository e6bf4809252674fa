"""The operations of explicit encryption and of its keys."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from bsonx.codec_options import CodecOptions

from ..clients import placed
from ..failures import Unsupported
from .base import Call, Operation, snake
from .results import as_document

_NEEDS = "encryption.ClientEncryption"

#: What a provider's credentials must have, unless there are none at all.
_CREDENTIALS = {
    "aws": [{"accessKeyId", "secretAccessKey"}],
    "azure": [{"tenantId", "clientId", "clientSecret"}, {"accessToken"}],
    "gcp": [{"email", "privateKey"}, {"accessToken"}],
    "kmip": [{"endpoint"}],
    "local": [{"key"}],
}


#: What stands for a placeholder where the environment has nothing. The local key is that of the
#: specification's data keys; the services are never asked.
_STAND_INS = {
    "aws_accessKeyId": "stand-in",
    "aws_secretAccessKey": "stand-in",
    "azure_tenantId": "stand-in",
    "azure_clientId": "stand-in",
    "azure_clientSecret": "stand-in",
    "gcp_email": "stand-in",
    "gcp_privateKey": b"stand-in",
    "kmip_endpoint": "127.0.0.1:1",
    "local_key": (
        "Mng0NCt4ZHVUYUJCa1kxNkVyNUR1QURhZ2h2UzR2d2RrZzh0cFBwM3R6NmdWMDFBMUN3YkQ5aXRRMkhGRGdQV09w"
        "OGVNYUMxT2k3NjZKelhaQmRCZGJkTXVyZG9uSjFk"
    ),
}


def _credential(name: str, value: Any) -> Any:
    try:
        return placed(name, value)
    except Unsupported:
        if name not in _STAND_INS:
            raise
        return _STAND_INS[name]


def kms_providers(document: Mapping[str, Any]) -> dict[str, Any]:
    """Providers of keys, with the credentials from the environment where there are placeholders."""
    if not document:
        raise Unsupported("kmsProviders has no provider")
    providers = {}
    for name, given in document.items():
        kind = name.partition(":")[0]
        if given and not any(needed <= set(given) for needed in _CREDENTIALS[kind]):
            raise Unsupported(f"kmsProviders: {name} lacks credentials")
        providers[name] = {
            field: _credential(f"{kind}_{field}", value) for field, value in given.items()
        }
    return providers


def make_client_encryption(flavour: Any, client: Any, options: Mapping[str, Any]) -> Any:
    """A ClientEncryption whose keys a client stores."""
    if flavour.is_sync:
        from mongodriver.synchronous.encryption import ClientEncryption as make
    else:
        from mongodriver.asynchronous.encryption import AsyncClientEncryption as make
    more = {snake(one): options[one] for one in ("keyExpirationMS",) if one in options}
    return flavour.wrap(
        make,
        kms_providers(options["kmsProviders"]),
        options["keyVaultNamespace"],
        client,
        CodecOptions(),
        **more,
    )


def auto_encryption(options: Mapping[str, Any]) -> Any:
    """AutoEncryptionOpts of a client."""
    make = import_module("mongodriver.encryption_options").AutoEncryptionOpts
    keywords = dict(options)
    extra = keywords.pop("extraOptions", {})
    providers = kms_providers(keywords.pop("kmsProviders"))
    namespace = keywords.pop("keyVaultNamespace")
    more = {snake(name): value for name, value in keywords.items()}
    return make(providers, namespace, **more, **{snake(name): extra[name] for name in extra})


def _method(name: str) -> Any:
    async def run(call: Call) -> Any:
        options = call.arguments.pop("opts", {})
        call.arguments.update(options)
        return await call.method(name)(**call.keywords(name))

    return run


async def _get_keys(call: Call) -> Any:
    return await call.target.get_keys().to_list()


async def _rewrap(call: Call) -> Any:
    result = (await _method("rewrap_many_data_key")(call)).bulk_write_result
    return {} if result is None else {"bulkWriteResult": as_document(result)}


def _calls(name: str, required: str = "", optional: str = "") -> Operation:
    return Operation(_method(name), required, optional, needs=_NEEDS)


OPERATIONS = {
    "addKeyAltName": _calls("add_key_alt_name", "id keyAltName"),
    "createDataKey": _calls("create_data_key", "kmsProvider", "opts"),
    "createEncryptedCollection": _calls("create_encrypted_collection", "database collection opts"),
    "decrypt": _calls("decrypt", "value"),
    "deleteKey": _calls("delete_key", "id"),
    "encrypt": _calls("encrypt", "value", "opts"),
    "encryptExpression": _calls("encrypt_expression", "expression", "opts"),
    "getKey": _calls("get_key", "id"),
    "getKeyByAltName": _calls("get_key_by_alt_name", "keyAltName"),
    "getKeys": Operation(_get_keys, needs=_NEEDS),
    "removeKeyAltName": _calls("remove_key_alt_name", "id keyAltName"),
    "rewrapManyDataKey": Operation(_rewrap, "filter", "opts", needs=_NEEDS),
}

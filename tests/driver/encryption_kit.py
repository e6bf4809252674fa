"""What the tests of client-side encryption have in common."""

from __future__ import annotations

from typing import Any

from bsonx.codec_options import CodecOptions
from mongodriver.asynchronous.encryption import AsyncClientEncryption
from mongodriver.encryption import Algorithm, ClientEncryption

LOCAL = {"local": {"key": b"k" * 96}}
DETERMINISTIC = Algorithm.AEAD_AES_256_CBC_HMAC_SHA_512_Deterministic
RANDOM = Algorithm.AEAD_AES_256_CBC_HMAC_SHA_512_Random


def encryption(flavour: Any, client: Any, vault: str, **options: Any) -> Any:
    """A ClientEncryption of this flavour, with the asynchronous interface."""
    kind = ClientEncryption if flavour.is_sync else AsyncClientEncryption
    providers = options.pop("kms_providers", LOCAL)
    codec_options = options.pop("codec_options", CodecOptions())
    return flavour.wrap(kind, providers, vault, client, codec_options, **options)

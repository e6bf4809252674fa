from typing import Any

from bson.binary import Binary
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.encryption import ClientEncryption
from pymongo.encryption_options import AutoEncryptionOpts


def encrypt(client: MongoClient[dict[str, Any]], options: CodecOptions[dict[str, Any]]) -> Binary:
    automatic = AutoEncryptionOpts({"local": {"key": b""}}, "keys.vault")
    reveal_type(automatic)
    made: ClientEncryption[dict[str, Any]]
    made = ClientEncryption({"local": {"key": b""}}, "keys.vault", client, options)
    with made as explicit:
        key = explicit.create_data_key("local", key_alt_names=["a"])
        reveal_type(key)
        reveal_type(explicit.get_key(key))
        reveal_type(explicit.decrypt(key))
        reveal_type(explicit.rewrap_many_data_key({}))
        explicit.create_data_key(3)
        ClientEncryption({}, "keys.vault", "client", options)
        return explicit.encrypt("secret", "Indexed", key_id=key)

"""Client-side encryption: explicit, and the automatic decryption and encryption of clients."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from encryption_kit import DETERMINISTIC, LOCAL, RANDOM, encryption
from flavour import plain
from recording import Commands

from bsonx import encode
from bsonx.binary import Binary, UuidRepresentation
from bsonx.codec_options import CodecOptions
from bsonx.raw_bson import RawBSONDocument
from bsonx.son import SON
from fake_mongod import FakeMongod
from mongodriver import CursorType, InsertOne, timeout
from mongodriver.crypt import mongocryptd
from mongodriver.encryption import Algorithm, QueryType, RewrapManyDataKeyResult
from mongodriver.encryption_options import AutoEncryptionOpts, RangeOpts, StringOpts
from mongodriver.errors import (
    ConfigurationError,
    EncryptedCollectionError,
    EncryptionError,
    InvalidOperation,
)

pytestmark = pytest.mark.server

pytest.importorskip("pymongocrypt", reason="the library pymongocrypt is not installed")

WITH_AWS = {**LOCAL, "aws": {"accessKeyId": "x", "secretAccessKey": "y"}}


@pytest.fixture
def vault(db):
    """The namespace of the data keys."""
    return f"{db.name}.keys"


async def keys_of(flavour: Any, client: Any, vault: str, **options: Any) -> Any:
    """A ClientEncryption and the id of a data key called "one"."""
    made = encryption(flavour, client, vault, **options)
    key_id = await made.create_data_key("local", key_alt_names=["one"])
    return SimpleNamespace(encryption=made, id=key_id)


# -- keys --


async def test_a_data_key_is_stored_with_majority(flavour, client, commands, vault):
    key = await keys_of(flavour, client, vault)
    assert key.id.subtype == 4
    (insert,) = commands.sent
    assert insert["insert"] == "keys"
    assert insert["writeConcern"] == {"w": "majority"}
    found = await key.encryption.get_key(key.id)
    assert isinstance(found, RawBSONDocument)
    assert found["keyAltNames"] == ["one"]
    assert commands.sent[-1]["readConcern"] == {"level": "majority"}


async def test_names_of_keys(flavour, client, vault):
    key = await keys_of(flavour, client, vault)
    before = await key.encryption.add_key_alt_name(key.id, "two")
    assert before["keyAltNames"] == ["one"]
    assert (await key.encryption.get_key_by_alt_name("two"))["_id"] == key.id
    before = await key.encryption.remove_key_alt_name(key.id, "one")
    assert before["keyAltNames"] == ["one", "two"]
    await key.encryption.remove_key_alt_name(key.id, "two")
    assert "keyAltNames" not in await key.encryption.get_key(key.id)
    other = Binary(bytes(16), 4)
    assert await key.encryption.add_key_alt_name(other, "x") is None
    assert await key.encryption.remove_key_alt_name(other, "x") is None
    assert await key.encryption.get_key_by_alt_name("two") is None


async def test_all_keys_and_none(flavour, client, vault):
    key = await keys_of(flavour, client, vault)
    for _ in range(2):
        await key.encryption.create_data_key("local")
    found = await key.encryption.get_keys().to_list()
    assert len(found) == 3
    assert all(isinstance(one, RawBSONDocument) for one in found)
    deleted = await key.encryption.delete_key(key.id)
    assert deleted.deleted_count == 1
    assert await key.encryption.get_key(key.id) is None


async def test_the_material_of_a_key_can_be_given(flavour, client, vault):
    made = encryption(flavour, client, vault)
    material = bytes(range(96))
    ids = [await made.create_data_key("local", key_material=material) for _ in range(2)]
    # Every ciphertext begins with the key's id: what follows is the same for the same key.
    first, second = [await made.encrypt("x", DETERMINISTIC, key_id=one) for one in ids]
    assert first[1:17] == bytes(ids[0])
    assert first[17:] != second[17:]  # the id is authenticated, too
    assert await made.decrypt(first) == await made.decrypt(second) == "x"


async def test_keys_are_encrypted_anew(flavour, client, commands, vault):
    providers = {"local:a": {"key": b"a" * 96}, "local:b": {"key": b"b" * 96}}
    made = encryption(flavour, client, vault, kms_providers=providers)
    ids = [await made.create_data_key("local:a") for _ in range(3)]
    secret = await made.encrypt("secret", RANDOM, key_id=ids[0])
    commands.clear()
    result = await made.rewrap_many_data_key({"_id": {"$in": ids[:2]}}, "local:b")
    assert result.bulk_write_result.modified_count == 2
    assert commands.work == ["find", "update"]
    assert commands.sent[-1]["writeConcern"] == {"w": "majority"}
    stored = [(await made.get_key(one))["masterKey"]["provider"] for one in ids]
    assert stored == ["local:b", "local:b", "local:a"]
    assert await made.decrypt(secret) == "secret"
    nothing = await made.rewrap_many_data_key({"_id": 5})
    assert isinstance(nothing, RewrapManyDataKeyResult)
    assert nothing.bulk_write_result is None
    assert repr(nothing) == "RewrapManyDataKeyResult(None)"


async def test_many_keys_come_in_several_batches(flavour, client, commands, vault, db):
    key = await keys_of(flavour, client, vault)
    document = await db["keys"].find_one({}, {"keyAltNames": 0})
    # More than a first batch of 101.
    await db["keys"].insert_many(
        [{**document, "_id": Binary.from_uuid(uuid.uuid4())} for _ in range(150)]
    )
    commands.clear()
    result = await key.encryption.rewrap_many_data_key({})
    assert result.bulk_write_result.matched_count == 151
    assert commands.work[:2] == ["find", "getMore"]


# -- values --


VALUES = ["text", 5, 2.5, b"bytes", {"a": [1, None]}, [1, "two"], True]


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_what_is_encrypted_can_be_decrypted(flavour, client, vault, value):
    key = await keys_of(flavour, client, vault)
    encrypted = await key.encryption.encrypt(value, RANDOM, key_id=key.id)
    assert type(encrypted) is Binary
    assert encrypted.subtype == 6
    assert await key.encryption.decrypt(encrypted) == value


async def test_a_key_is_called_by_id_or_name(flavour, client, vault):
    key = await keys_of(flavour, client, vault)
    encrypt = key.encryption.encrypt
    by_id = await encrypt("x", DETERMINISTIC, key_id=key.id)
    assert by_id == await encrypt("x", DETERMINISTIC, key_id=uuid.UUID(bytes=bytes(key.id)))
    assert by_id == await encrypt("x", DETERMINISTIC.value, key_alt_name="one")
    assert by_id != await encrypt("x", RANDOM, key_id=key.id)


async def test_values_have_the_codec_options(flavour, client, vault):
    options = CodecOptions(SON, uuid_representation=UuidRepresentation.STANDARD)
    key = await keys_of(flavour, client, vault, codec_options=options)
    value = {"id": uuid.uuid4()}
    encrypted = await key.encryption.encrypt(value, RANDOM, key_id=key.id)
    decrypted = await key.encryption.decrypt(encrypted)
    assert type(decrypted) is SON
    assert decrypted == value


async def test_indexed_values(flavour, client, vault):
    key = await keys_of(flavour, client, vault)
    encrypt = key.encryption.encrypt
    more = {"key_id": key.id, "contention_factor": 0}
    ranges = RangeOpts(min=0, max=100, sparsity=1, trim_factor=1)
    text = StringOpts(
        prefix={"strMinQueryLength": 1, "strMaxQueryLength": 3},
        case_sensitive=True,
        diacritic_sensitive=True,
    )
    for encrypted in (
        await encrypt("x", Algorithm.INDEXED, **more),
        await encrypt("x", Algorithm.INDEXED, query_type=QueryType.EQUALITY, **more),
        await encrypt("x", Algorithm.UNINDEXED, key_id=key.id),
        await encrypt(5, Algorithm.RANGE, range_opts=ranges, **more),
        await encrypt("abc", Algorithm.STRING, string_opts=text, **more),
    ):
        assert encrypted.subtype == 6


@pytest.mark.parametrize("wrap", [dict, lambda one: RawBSONDocument(encode(one))])
async def test_an_expression(flavour, client, vault, wrap):
    key = await keys_of(flavour, client, vault)
    found = await key.encryption.encrypt_expression(
        wrap({"$and": [{"age": {"$gte": 20}}, {"age": {"$lt": 40}}]}),
        Algorithm.RANGE,
        key_id=key.id,
        query_type=QueryType.RANGE,
        contention_factor=0,
        range_opts=RangeOpts(min=0, max=100, sparsity=1, trim_factor=1),
    )
    (low, high) = found["$and"]
    assert low["age"]["$gte"].subtype == high["age"]["$lt"].subtype == 6


async def test_keys_are_kept_in_memory(flavour, client, commands, vault):
    key = await keys_of(flavour, client, vault)
    commands.clear()
    for _ in range(3):
        encrypted = await key.encryption.encrypt("x", RANDOM, key_id=key.id)
        await key.encryption.decrypt(encrypted)
    assert commands.work == ["find"]


async def test_keys_are_forgotten_after_a_while(flavour, client, commands, vault):
    key = await keys_of(flavour, client, vault, key_expiration_ms=1)
    commands.clear()
    while len(commands.work) < 3:
        await key.encryption.encrypt("x", RANDOM, key_id=key.id)
    assert set(commands.work) == {"find"}


async def test_what_is_wrong_with_values(flavour, client, vault):
    key = await keys_of(flavour, client, vault)
    encrypt, decrypt = key.encryption.encrypt, key.encryption.decrypt
    missing = Binary(bytes(16), 4)
    cases: list[Any] = [
        (encrypt("x", RANDOM), "either key id or key alt name required"),
        (encrypt("x", "foo", key_id=key.id), 'unsupported algorithm string "foo"'),
        (encrypt("x", RANDOM, key_id=missing), "not all keys requested were satisfied"),
        (encrypt("x", Algorithm.INDEXED, key_id=key.id), "contention factor is required"),
        (decrypt(Binary(b"abc", 6)), "unsupported FLE blob subtype: 97"),
    ]
    for awaitable, text in cases:
        with pytest.raises(EncryptionError, match=text) as raised:
            await awaitable
        assert type(raised.value.cause).__name__ == "MongoCryptError"
        assert raised.value.__cause__ is raised.value.cause
        assert not raised.value.timeout
    for wrong in (Binary(bytes(16), 0), b"x" * 16, "a"):
        with pytest.raises(TypeError, match="key_id must be a bson"):
            await encrypt("x", RANDOM, key_id=wrong)
    for wrong in (5, b"abc", Binary(b"abc")):
        with pytest.raises(TypeError, match="value to decrypt must be"):
            await decrypt(wrong)


async def test_what_is_wrong_with_keys(flavour, client, vault):
    made = encryption(flavour, client, vault, kms_providers=WITH_AWS)
    for call, text in (
        (made.create_data_key("foo"), "unknown kms_provider: foo"),
        (made.create_data_key("aws"), "master_key is required for kms_provider: 'aws'"),
        (made.create_data_key("local", key_material=b"a"), "keyMaterial should have length 96"),
        (made.create_data_key("local", key_alt_names=[5]), "keyAltName expected to be UTF8"),
        (made.rewrap_many_data_key(5), "mapping type"),
    ):
        with pytest.raises(EncryptionError, match=text):
            await call
    with pytest.raises(ConfigurationError, match="A provider must be given if a master_key"):
        await made.rewrap_many_data_key({}, master_key={"a": 1})


async def test_an_error_of_the_key_vault_is_one_of_encryption(flavour, client, db):
    # No collection can have such a name.
    made = encryption(flavour, client, f"{db.name}.system.x")
    with pytest.raises(EncryptionError) as raised:
        await made.create_data_key("local")
    assert type(raised.value.cause).__name__ in ("WriteError", "OperationFailure")


async def test_all_of_it_has_one_deadline(flavour, make_client, vault):
    with FakeMongod(answer=lambda request: "silence") as silent:
        client = make_client(silent.uri)
        made = encryption(flavour, client, vault)
        with timeout(0.1), pytest.raises(EncryptionError) as raised:
            await made.create_data_key("local")
        assert raised.value.timeout
        other = make_client(silent.uri, timeoutMS=100)
        made = encryption(flavour, other, vault)
        with pytest.raises(EncryptionError) as raised:
            await made.create_data_key("local")
        assert raised.value.timeout


async def test_it_cannot_be_used_once_it_is_closed(flavour, client, vault, db):
    made = encryption(flavour, client, vault)
    async with made as entered:
        assert entered is made
    await made.close()
    for call in (
        lambda: made.create_data_key("local"),
        lambda: made.encrypt("x", RANDOM),
        lambda: made.encrypt_expression({}, RANDOM),
        lambda: made.decrypt(Binary(b"", 6)),
        lambda: made.get_key(5),
        lambda: made.delete_key(5),
        lambda: made.rewrap_many_data_key({}),
    ):
        with pytest.raises(InvalidOperation, match=r"Cannot use closed (Async)?ClientEncryption"):
            await call()
    with pytest.raises(InvalidOperation, match=r"Cannot use closed (Async)?ClientEncryption"):
        made.get_keys()
    assert await client.admin.command("ping")


async def test_a_bound_transaction_is_left_alone(flavour, client, vault, coll):
    key = await keys_of(flavour, client, vault)
    await coll.insert_one({"_id": 0})
    async with client.start_session() as session:
        await session.start_transaction()
        async with session.bind(end_session=False):
            encrypted = await key.encryption.encrypt("x", RANDOM, key_id=key.id)
            await coll.insert_one({"a": encrypted})
            assert await key.encryption.decrypt(encrypted) == "x"
        await session.commit_transaction()
    assert await coll.count_documents({}) == 2


# -- its construction --


def test_what_is_wrong_with_options(flavour, client):
    text = "AsyncMongoClient" if not flavour.is_sync else "MongoClient"
    with pytest.raises(TypeError, match=f"{text} required but given int"):
        encryption(flavour, 5, "a.b")
    with pytest.raises(TypeError, match=r"codec_options must be an instance of bson\.codec_op"):
        encryption(flavour, client, "a.b", codec_options=5)
    with pytest.raises(ValueError, match="not enough values to unpack"):
        encryption(flavour, client, "ab")
    with pytest.raises(ValueError, match="at least one KMS provider must be configured"):
        encryption(flavour, client, "a.b", kms_providers={})
    with pytest.raises(TypeError, match="kms_connect_callback must be callable, not"):
        encryption(flavour, client, "a.b", kms_connect_callback=5)
    with pytest.raises(ValueError, match="key_expiration_ms must be >=0 or None"):
        encryption(flavour, client, "a.b", key_expiration_ms=-1)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (5, TypeError, "kms_tls_options must be a dict"),
        ({"kmip": 5}, TypeError, 'kms_tls_options\\["kmip"\\] must be a dict'),
        ({"kmip": {"tls": False}}, ConfigurationError, "TLS is required for KMS providers"),
        ({"kmip": {"tlsInsecure": True}}, ConfigurationError, "Insecure TLS options prohibited"),
        (
            {"kmip": {"tlsAllowInvalidCertificates": True}},
            ConfigurationError,
            "Insecure TLS options prohibited: tlsAllowInvalidCertificates",
        ),
        (
            {"kmip": {"tlsAllowInvalidHostnames": True}},
            ConfigurationError,
            "Insecure TLS options prohibited",
        ),
        ({"kmip": {"foo": 1}}, ConfigurationError, "Unknown option: foo"),
    ],
)
def test_what_is_wrong_with_tls_options(flavour, client, options, error, text):
    with pytest.raises(error, match=text):
        encryption(flavour, client, "a.b", kms_tls_options=options)
    with pytest.raises(error, match=text):
        flavour.make(
            auto_encryption_opts=AutoEncryptionOpts(LOCAL, "a.b", kms_tls_options=options),
            connect=False,
        )


# -- collections --


async def test_keys_made_for_a_collection_are_not_lost(flavour, client, vault, db):
    made = encryption(flavour, client, vault)
    given = {
        "fields": [
            {"path": "a", "bsonType": "string", "keyId": None},
            {"path": "b", "bsonType": "string", "keyId": Binary(bytes(16), 4)},
            {"path": "c", "bsonType": "string", "keyId": None},
        ]
    }
    version = (await client.server_info())["versionArray"]
    if version[0] >= 7:
        _, fields = await made.create_encrypted_collection(plain(db), "secret", given, "local")
    else:
        with pytest.raises(EncryptedCollectionError, match="Upgrade server to use") as raised:
            await made.create_encrypted_collection(plain(db), "secret", given, "local")
        assert isinstance(raised.value.cause, ConfigurationError)
        fields = raised.value.encrypted_fields
    ids = [field["keyId"] for field in fields["fields"]]
    assert ids[1] == Binary(bytes(16), 4)
    for key_id in (ids[0], ids[2]):
        assert await made.get_key(key_id)
    assert given["fields"][0]["keyId"] is None


async def test_keys_that_cannot_be_made_for_a_collection(flavour, client, vault, db):
    made = encryption(flavour, client, vault, kms_providers=WITH_AWS)
    given = {"fields": [{"keyId": None}]}
    with pytest.raises(EncryptedCollectionError, match="master_key is required") as raised:
        await made.create_encrypted_collection(plain(db), "secret", given, "aws")
    assert isinstance(raised.value.cause, EncryptionError)
    assert raised.value.encrypted_fields == given
    kind = "Database" if flavour.is_sync else "AsyncDatabase"
    with pytest.raises(TypeError, match=f"{kind} required but given int"):
        await made.create_encrypted_collection(5, "secret", given, "local")
    with pytest.raises(KeyError):
        await made.create_encrypted_collection(plain(db), "secret", {}, "local")


# -- decryption of what a client receives --


def decrypting(make_client: Any, vault: str, *listeners: Any, **options: Any) -> Any:
    """A client that decrypts, and encrypts nothing."""
    opts = AutoEncryptionOpts(LOCAL, vault, bypass_auto_encryption=True)
    return make_client(auto_encryption_opts=opts, event_listeners=list(listeners), **options)


@pytest.mark.parametrize("pool", [100, None])
async def test_replies_are_decrypted(flavour, client, make_client, vault, coll, pool):
    key = await keys_of(flavour, client, vault)
    secrets = [await key.encryption.encrypt(f"secret {n}", RANDOM, key_id=key.id) for n in range(5)]
    await coll.insert_many([{"_id": n, "a": {"b": [secret]}} for n, secret in enumerate(secrets)])
    commands = Commands()
    other = decrypting(make_client, vault, commands, maxPoolSize=pool)
    found = other[coll.database.name][coll.name]
    expected = [{"_id": n, "a": {"b": [f"secret {n}"]}} for n in range(5)]
    assert await found.find(batch_size=2).sort("_id").to_list() == expected
    assert await (await found.aggregate([{"$sort": {"_id": 1}}])).to_list() == expected
    assert await found.find_one_and_update({"_id": 0}, {"$set": {"c": 1}}) == expected[0]
    assert sorted(await found.distinct("a.b")) == [f"secret {n}" for n in range(5)]
    # Nobody who listens sees what was encrypted.
    shown = [event.reply for event in commands.events if hasattr(event, "reply")]
    assert "secret" not in str([reply for reply in shown if "firstBatch" not in str(reply)])
    assert "secret 0" not in str(shown)
    # What was written is as it was.
    assert (await coll.find_one({"_id": 1}))["a"]["b"] == [secrets[1]]


async def test_decrypted_documents_have_the_codec_options(
    flavour, client, make_client, vault, coll
):
    key = await keys_of(flavour, client, vault)
    value = {"id": Binary.from_uuid(uuid.UUID(int=5))}
    await coll.insert_one({"a": await key.encryption.encrypt(value, RANDOM, key_id=key.id)})
    other = decrypting(make_client, vault)
    options = CodecOptions(SON, uuid_representation=UuidRepresentation.STANDARD)
    found = await other[coll.database.name].get_collection(coll.name, options).find_one()
    assert type(found["a"]) is SON
    assert found["a"]["id"] == uuid.UUID(int=5)


async def test_keys_are_found_in_transactions_too(flavour, client, make_client, vault, coll):
    key = await keys_of(flavour, client, vault)
    await coll.insert_one({"a": await key.encryption.encrypt("secret", RANDOM, key_id=key.id)})
    other = decrypting(make_client, vault, maxPoolSize=1)
    found = other[coll.database.name][coll.name]
    async with other.start_session() as session:
        await session.start_transaction()
        assert (await found.find_one(session=session))["a"] == "secret"
        await session.commit_transaction()


async def test_one_connection_is_enough(flavour, client, make_client, vault, coll):
    """Keys are read by a client of its own: the connection of the operation is taken."""
    key = await keys_of(flavour, client, vault)
    await coll.insert_one({"a": await key.encryption.encrypt("secret", RANDOM, key_id=key.id)})
    other = decrypting(make_client, vault, maxPoolSize=1, waitQueueTimeoutMS=5000)
    assert (await other[coll.database.name][coll.name].find_one())["a"] == "secret"


async def test_another_client_may_have_the_keys(flavour, client, make_client, vault, coll):
    key = await keys_of(flavour, client, vault)
    await coll.insert_one({"a": await key.encryption.encrypt("secret", RANDOM, key_id=key.id)})
    commands = Commands()
    keys = make_client(event_listeners=[commands])
    opts = AutoEncryptionOpts(
        LOCAL, vault, key_vault_client=plain(keys), bypass_auto_encryption=True
    )
    other = make_client(auto_encryption_opts=opts)
    for _ in range(2):
        assert (await other[coll.database.name][coll.name].find_one())["a"] == "secret"
    assert commands.work == ["find"]


async def test_what_cannot_be_decrypted_is_an_error(flavour, client, make_client, vault, coll):
    key = await keys_of(flavour, client, vault)
    await coll.insert_one({"a": await key.encryption.encrypt("secret", RANDOM, key_id=key.id)})
    opts = AutoEncryptionOpts({"local": {"key": b"x" * 96}}, vault, bypass_auto_encryption=True)
    other = make_client(auto_encryption_opts=opts)
    found = other[coll.database.name][coll.name]
    for _ in range(2):  # the connection is in order
        with pytest.raises(EncryptionError, match="HMAC validation failure"):
            await found.find_one()
    assert await found.count_documents({}) == 1
    await key.encryption.delete_key(key.id)
    with pytest.raises(EncryptionError, match="not all keys requested were satisfied"):
        await decrypting(make_client, vault)[coll.database.name][coll.name].find_one()


async def test_what_clients_that_decrypt_cannot_do(flavour, make_client, vault, coll):
    found = decrypting(make_client, vault)[coll.database.name][coll.name]
    with pytest.raises(InvalidOperation, match="exhaust cursors do not support auto encryption"):
        await found.find(cursor_type=CursorType.EXHAUST).to_list()
    with pytest.raises(InvalidOperation, match="find_raw_batches does not support auto encryp"):
        found.find_raw_batches()
    with pytest.raises(InvalidOperation, match="aggregate_raw_batches does not support auto en"):
        await found.aggregate_raw_batches([])
    with pytest.raises(InvalidOperation, match="bulk_write does not currently support automatic"):
        await found.database.client.bulk_write([InsertOne({}, namespace="a.b")])


# -- commands that are encrypted --


def writing(make_client: Any, vault: str, *listeners: Any, **options: Any) -> Any:
    """A client that has libmongocrypt look at commands, without an analysis."""
    opts = AutoEncryptionOpts(LOCAL, vault, bypass_query_analysis=True, **options)
    return make_client(auto_encryption_opts=opts, event_listeners=list(listeners))


async def test_commands_pass_through_libmongocrypt(make_client, vault, coll):
    commands = Commands()
    client = writing(make_client, vault, commands)
    found = client[coll.database.name][coll.name]
    inserted = await found.insert_one({"a": 1})
    assert await coll.find_one() == {"_id": inserted.inserted_id, "a": 1}
    event = next(e for e in commands.started_events if e.command_name == "insert")
    assert next(iter(event.command)) == "insert"
    assert {"lsid", "txnNumber", "$db", "documents"} <= set(event.command)
    assert (await found.update_one({"a": 1}, {"$set": {"b": 2}})).modified_count == 1
    assert (await found.find_one())["b"] == 2
    assert (await found.delete_many({})).deleted_count == 1


async def test_statements_are_sent_in_smaller_batches(make_client, vault, coll):
    commands = Commands()
    client = writing(make_client, vault, commands)
    found = client[coll.database.name][coll.name]
    documents: list[dict[str, Any]] = [{"a": "x" * 100_000} for _ in range(45)]
    result = await found.insert_many(documents)
    inserts = [e.command for e in commands.started_events if e.command_name == "insert"]
    assert [len(command["documents"]) for command in inserts] == [20, 20, 5]
    assert result.inserted_ids == [document["_id"] for document in documents]
    assert await coll.count_documents({}) == 45
    # A single statement may be as large as ever.
    await found.insert_one({"_id": "large", "a": "x" * 5_000_000})
    assert len((await found.find_one({"_id": "large"}))["a"]) == 5_000_000


async def test_an_unacknowledged_write(make_client, vault, coll):
    from mongodriver import WriteConcern

    database = writing(make_client, vault)[coll.database.name]
    found = database.get_collection(coll.name, write_concern=WriteConcern(w=0))
    assert not (await found.insert_one({"a": 1})).acknowledged


async def test_what_is_not_supported_is_not_sent(make_client, vault, db):
    commands = Commands()
    client = writing(make_client, vault, commands)
    with pytest.raises(EncryptionError, match="command not supported for auto encryption: foo"):
        await client[db.name].command("foo")
    with pytest.raises(EncryptionError, match="non-collection command not supported"):
        await client[db.name].aggregate([{"$currentOp": {}}])
    assert "foo" not in commands.work


async def test_state_collections_of_configured_fields(make_client, vault, db):
    commands = Commands()
    fields = {"fields": []}
    client = writing(make_client, vault, commands, encrypted_fields_map={f"{db.name}.x": fields})
    database = client[db.name]
    await database["x"].drop()
    assert commands.work == ["drop"] * 3
    assert commands.sent[0]["drop"] == "enxcol_.x.esc"
    commands.clear()
    await database.drop_collection("y")
    assert commands.work == ["listCollections", "drop"]
    commands.clear()
    await database.create_collection("y", check_exists=False)
    assert commands.work == ["create"]
    version = (await client.server_info())["versionArray"]
    if version[0] < 7:
        with pytest.raises(ConfigurationError, match="Upgrade server to use Queryable"):
            await database.create_collection("x")


# -- mongocryptd, which is not to be had --


def analysed(key_id: Binary) -> Any:
    """What a mongocryptd answers for collections whose field "a" is encrypted."""

    def answer(request: Any) -> Any:
        if request.name != "insert":
            return {
                "hasEncryptionPlaceholders": False,
                "schemaRequiresEncryption": True,
                "result": request.body,
                "ok": 1,
            }
        placeholder = {"a": 2, "ki": key_id}
        documents = [
            {**d, "a": Binary(b"\0" + encode({**placeholder, "v": d["a"]}), 6)}
            for d in request.body["documents"]
        ]
        return {
            "hasEncryptionPlaceholders": True,
            "schemaRequiresEncryption": True,
            "result": {"insert": request.body["insert"], "documents": documents},
            "ok": 1,
        }

    return answer


async def test_values_are_encrypted_automatically(flavour, client, make_client, vault, coll):
    key = await keys_of(flavour, client, vault)
    namespace = f"{coll.database.name}.{coll.name}"
    field = {"keyId": [key.id], "bsonType": "string", "algorithm": RANDOM.value}
    schema = {"bsonType": "object", "properties": {"a": {"encrypt": field}}}
    with FakeMongod(answer=analysed(key.id)) as process:
        opts = AutoEncryptionOpts(
            LOCAL,
            vault,
            schema_map={namespace: schema},
            mongocryptd_uri=process.uri,
            mongocryptd_bypass_spawn=True,
        )
        commands = Commands()
        other = make_client(auto_encryption_opts=opts, event_listeners=[commands])
        found = other[coll.database.name][coll.name]
        await found.insert_many([{"_id": n, "a": f"secret {n}"} for n in range(3)])
        assert (await coll.find_one())["a"].subtype == 6
        assert await found.find_one() == {"_id": 0, "a": "secret 0"}
        assert "secret" not in str([event.command for event in commands.started_events])
        seen = [request.body for request in process.requests if request.name == "insert"]
        assert seen[0]["documents"][0]["a"] == "secret 0"
        assert "jsonSchema" in seen[0]
        assert not {"txnNumber", "writeConcern"} & set(seen[0])


async def test_nobody_analyses_commands(flavour, make_client, vault, coll, monkeypatch):
    monkeypatch.setattr(mongocryptd, "_SELECTION_TIMEOUT", 50)
    started = []
    monkeypatch.setattr(mongocryptd, "start", started.append)
    for bypass in (True, False):
        opts = AutoEncryptionOpts(
            LOCAL,
            vault,
            mongocryptd_uri="mongodb://127.0.0.1:1/",
            mongocryptd_bypass_spawn=bypass,
            mongocryptd_spawn_path="cryptd",
            mongocryptd_spawn_args=["--port=1"],
        )
        client = make_client(auto_encryption_opts=opts)
        with pytest.raises(EncryptionError, match=r"127\.0\.0\.1:1: ") as raised:
            await client[coll.database.name][coll.name].insert_one({"a": 1})
        assert raised.value.timeout
        assert type(raised.value.cause).__name__ == "ServerSelectionTimeoutError"
        assert await client.admin.command("ping")
    assert started == [["cryptd", "--port=1", "--idleShutdownTimeoutSecs=60"]]
    assert await coll.count_documents({}) == 0


def test_a_process_is_started(tmp_path):
    script = tmp_path / "cryptd"
    told = tmp_path / "told"
    script.write_text(f'#!/bin/sh\necho "$@" > {told}.new\nmv {told}.new {told}\n')
    script.chmod(0o755)
    mongocryptd.start([str(script), "--port=5"])
    while not told.exists():
        pass
    assert told.read_text() == "--port=5\n"
    with pytest.warns(RuntimeWarning, match="Failed to start /nowhere: is it on your"):
        mongocryptd.start(["/nowhere"])


async def test_the_library_may_be_required(make_client, vault):
    opts = AutoEncryptionOpts(LOCAL, vault, crypt_shared_lib_required=True)
    with pytest.raises(Exception, match="crypt_shared_lib_required=True but"):
        make_client(auto_encryption_opts=opts)
    opts = AutoEncryptionOpts(LOCAL, vault, crypt_shared_lib_path="/nowhere")
    with pytest.raises(Exception, match="failed to open a dynamic library"):
        make_client(auto_encryption_opts=opts)


async def test_all_is_closed_with_the_client(flavour, client, make_client, vault, coll):
    key = await keys_of(flavour, client, vault)
    await coll.insert_one({"a": await key.encryption.encrypt("secret", RANDOM, key_id=key.id)})
    other = decrypting(make_client, vault)
    await other[coll.database.name][coll.name].find_one()
    (internal,) = plain(other)._core.executor.cipher.clients
    assert not internal.closed
    await other.close()
    assert internal.closed
    with pytest.raises(InvalidOperation, match="Cannot use"):
        await other[coll.database.name][coll.name].find_one()

"""A bank: Flask with transactions, served by forked workers of gunicorn that share a preloaded app.

    python -m mongodriver local --replica-set rs0 -- gunicorn -c examples/flask/gunicorn.conf.py

A client may be *made* before a fork, with ``connect=False``; it must not be *used* before. Then
each worker opens connections of its own at its first request. What has to be done once, before the
workers are there, is done by a client that is closed again.
"""

from __future__ import annotations

import atexit
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Flask, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, Conflict, HTTPException, NotFound

from bsonx import CodecOptions, ObjectId
from mongodriver import DESCENDING, MongoClient
from mongodriver.client_session import ClientSession
from mongodriver.errors import ConnectionFailure, DuplicateKeyError, PyMongoError

Client = MongoClient[dict[str, Any]]
T = TypeVar("T")
MOST = 10**12  # cents that are paid at once


@dataclass
class Account:
    """What is stored of an account; `id` is the document's ``_id``."""

    id: str
    cents: int


@dataclass
class Transfer:
    """An entry of the ledger, which is written with the accounts or not at all."""

    id: ObjectId
    source: str
    target: str
    cents: int
    at: datetime


class Bank:
    """What the application does with the database.

    :param client: any client. It is not used before the first call.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        bank = client.bank
        self.accounts = bank.get_collection(
            "accounts", CodecOptions(document_class=Account, tz_aware=True)
        )
        self.transfers = bank.get_collection(
            "transfers", CodecOptions(document_class=Transfer, tz_aware=True)
        )

    def prepare(self) -> None:
        """Make the collections and indexes."""
        for side in ("source", "target"):
            self.transfers.create_index([(side, 1), ("at", DESCENDING)])

    def transfer(self, source: str, target: str, cents: int) -> Transfer:
        """Move money.

        :raises Conflict: when `source` has less, NotFound when `target` does not exist. Nothing is
            changed then.
        """
        now = datetime.now(UTC)
        entry = Transfer(ObjectId(), source, target, cents, now)

        def move(session: ClientSession) -> None:
            take = {"$inc": {"cents": -cents}}
            enough = {"_id": source, "cents": {"$gte": cents}}
            if not self.accounts.update_one(enough, take, session=session).matched_count:
                raise Conflict("there is less on this account")
            give = {"$inc": {"cents": cents}}
            if not self.accounts.update_one({"_id": target}, give, session=session).matched_count:
                raise NotFound("no such target")
            self.transfers.insert_one(entry, session=session)

        with self._client.start_session() as session:
            session.with_transaction(move)  # again, where two transfers meet
        return entry


def create_app() -> Flask:
    """Make the application. Its client opens in the process that serves the first request."""
    app = Flask(__name__)
    uri = os.environ["MONGODB_URI"]
    before_the_fork: Client
    with MongoClient(uri, appname="bank, preparing") as before_the_fork:
        Bank(before_the_fork).prepare()
    # No request waits longer for the database, transactions that are tried again included.
    client: Client = MongoClient(uri, appname="bank", connect=False, timeoutMS=10_000)
    atexit.register(client.close)  # in each worker, at its end
    app.extensions["bank"] = Bank(client)
    app.add_url_rule("/accounts", view_func=open_account, methods=["POST"])
    app.add_url_rule("/accounts/<name>", view_func=balance)
    app.add_url_rule("/accounts/<name>/transfers", view_func=statement)
    app.add_url_rule("/transfers", view_func=pay, methods=["POST"])
    app.register_error_handler(HTTPException, problem)
    app.register_error_handler(PyMongoError, database_is_away)
    return app


def bank() -> Bank:
    """That of the application which serves the request."""
    served: Bank = current_app.extensions["bank"]
    return served


def problem(error: HTTPException) -> ResponseReturnValue:
    """Errors as JSON."""
    return jsonify(error=error.description), error.code or 500


def database_is_away(error: PyMongoError) -> ResponseReturnValue:
    """No server is there, or a connection was lost where trying again did not help."""
    if isinstance(error, ConnectionFailure) or error.timeout:
        return jsonify(error="no database"), 503
    raise error


def sent(name: str, kind: type[T]) -> T:
    """A member of the JSON object that was sent."""
    document = request.get_json()
    value: T | None = document.get(name) if isinstance(document, dict) else None
    if type(value) is not kind:
        raise BadRequest(f"{name} must be of the type {kind.__name__}")
    return value


def sent_cents(least: int) -> int:
    """An amount of money that was sent, and that the database can hold."""
    cents = sent("cents", int)
    if not least <= cents <= MOST:
        raise BadRequest(f"cents must be {least} to {MOST}")
    return cents


def open_account() -> ResponseReturnValue:
    """Open an account with some money on it."""
    account = Account(sent("name", str), sent_cents(0))
    try:
        bank().accounts.insert_one(account)
    except DuplicateKeyError:
        raise Conflict("this account exists") from None
    return jsonify(asdict(account)), 201


def balance(name: str) -> ResponseReturnValue:
    """Say what is on an account."""
    account = bank().accounts.find_one({"_id": name})
    if account is None:
        raise NotFound("no such account")
    return jsonify(asdict(account))


def statement(name: str) -> ResponseReturnValue:
    """The newest transfers from and to an account."""
    of_both = {"$or": [{"source": name}, {"target": name}]}
    newest = bank().transfers.find(of_both, sort=[("at", DESCENDING)], limit=50)
    return jsonify([shown(transfer) for transfer in newest])


def pay() -> ResponseReturnValue:
    """Move money from one account to another."""
    transfer = bank().transfer(sent("source", str), sent("target", str), sent_cents(1))
    return jsonify(shown(transfer)), 201


def shown(transfer: Transfer) -> dict[str, object]:
    """A transfer as JSON has it."""
    return {**asdict(transfer), "id": str(transfer.id), "at": transfer.at.isoformat()}

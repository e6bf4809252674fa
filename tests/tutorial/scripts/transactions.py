"""The examples of sessions, transactions, change streams, timeouts and monitoring."""

import sys

import pymongo
from pymongo import MongoClient, monitoring
from pymongo.errors import InvalidOperation, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern


class CommandLogger(monitoring.CommandListener):
    def started(self, event):
        if event.command_name in ("insert", "find", "update"):
            print(f"Command {event.command_name} started on {event.database_name}")

    def succeeded(self, event):
        if event.command_name in ("insert", "find", "update"):
            print(f"Command {event.command_name} succeeded")

    def failed(self, event):
        if event.command_name == "nope":
            print(f"Command {event.command_name} failed with {event.failure.get('code')}")


client = MongoClient(sys.argv[1], event_listeners=[CommandLogger()])
client.drop_database("bank")
orders, inventory = client.bank.orders, client.bank.inventory
inventory.insert_one({"sku": "abc123", "qty": 500})
orders.insert_one({"_id": 0})

with client.start_session() as session:
    with session.start_transaction():
        orders.insert_one({"sku": "abc123", "qty": 100}, session=session)
        inventory.update_one(
            {"sku": "abc123", "qty": {"$gte": 100}}, {"$inc": {"qty": -100}}, session=session
        )
    print(inventory.find_one({}, {"_id": 0}), orders.count_documents({}))


def callback(session):
    inventory.update_one({"sku": "abc123"}, {"$inc": {"qty": -100}}, session=session)
    return inventory.find_one({}, {"_id": 0}, session=session)


with client.start_session() as session:
    print(
        session.with_transaction(
            callback,
            read_concern=ReadConcern("local"),
            write_concern=WriteConcern("majority", wtimeout=1000),
            read_preference=ReadPreference.PRIMARY,
        )
    )
    session.start_transaction()
    orders.insert_one({"_id": 7}, session=session)
    session.abort_transaction()
    print(orders.find_one(7))
    try:
        session.abort_transaction()
    except InvalidOperation as exc:
        print(exc)

with client.bank.orders.watch() as stream:
    orders.insert_one({"_id": 8})
    change = next(stream)
    print(change["operationType"], change["fullDocument"], change["ns"])

with pymongo.timeout(30):
    print(orders.find_one(8))
try:
    with pymongo.timeout(0.5):  # time enough to be sent, also on a busy machine
        inventory.find_one({"$where": "sleep(20000) || true"})
except PyMongoError as exc:
    print("timeout", exc.timeout)
try:
    client.bank.command("nope")
except OperationFailure as exc:
    print(exc.code, exc.details["codeName"])
client.drop_database("bank")
client.close()

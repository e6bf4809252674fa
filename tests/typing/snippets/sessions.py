from typing import Any

from pymongo import MongoClient
from pymongo.client_session import ClientSession


def block(client: MongoClient[dict[str, Any]]) -> None:
    with client.start_session(causal_consistency=True) as session:
        reveal_type(session)
        reveal_type(session.client)
        reveal_type(session.cluster_time)
        reveal_type(session.operation_time)
        client.db.c.find_one({}, session=session)
        client.db.c.insert_one({}, session=session)
        client.db.c.insert_one({}, session="session")
        with session.start_transaction():
            client.db.c.update_one({}, {"$set": {"a": 1}}, session=session)
    reveal_type(client.start_session())
    client.start_session(snapshot="yes")
    kept: ClientSession = client.start_session()
    kept.end_session()

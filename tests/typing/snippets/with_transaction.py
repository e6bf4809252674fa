from typing import Any

from pymongo import MongoClient, ReadPreference, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern


def move(client: MongoClient[dict[str, Any]]) -> str:
    def callback(session: ClientSession) -> int:
        client.db.c.insert_one({"a": 1}, session=session)
        return client.db.c.count_documents({}, session=session)

    with client.start_session() as session:
        reveal_type(session.with_transaction(callback))
        session.with_transaction(
            callback,
            read_concern=ReadConcern("local"),
            write_concern=WriteConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )
        reveal_type(session.with_transaction(lambda s: s.session_id))
        session.with_transaction(lambda: 1)
        session.with_transaction(callback, read_preference="primary")
        return session.with_transaction(callback)

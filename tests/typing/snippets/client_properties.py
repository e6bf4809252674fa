from typing import Any

from pymongo import MongoClient


def show(client: MongoClient[dict[str, Any]]) -> None:
    reveal_type(client.address)
    reveal_type(client.primary)
    reveal_type(client.secondaries)
    reveal_type(client.nodes)
    reveal_type(client.is_mongos)
    reveal_type(client.topology_description)
    reveal_type(client.options)
    reveal_type(client.codec_options)
    client.address = ("a", 1)

from pymongo import MongoClient


def names(client: MongoClient) -> list[str]:
    return client.list_database_names()

from pymongo import MongoClient

client: MongoClient[int]
other: MongoClient[dict[str, int]] = MongoClient(port="27017")
third: MongoClient[dict[str, int]] = MongoClient(["a", "b"], document_class=str)

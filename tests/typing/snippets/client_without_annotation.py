from pymongo import MongoClient

client = MongoClient()
database = client.test

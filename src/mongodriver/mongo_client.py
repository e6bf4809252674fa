"""The synchronous client."""

from mongodriver.synchronous.mongo_client import MongoClient

__all__ = ["MongoClient"]

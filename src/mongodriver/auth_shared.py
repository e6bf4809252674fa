"""Credentials, and the mechanisms they are for."""

from mongodriver.auth.credentials import MECHANISMS, GSSAPIProperties, MongoCredential

__all__ = ["MECHANISMS", "GSSAPIProperties", "MongoCredential"]

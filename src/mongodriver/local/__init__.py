"""A local mongod for tests, demos and quick jobs."""

from mongodriver.local.binary import find_mongod
from mongodriver.local.errors import LocalServerError
from mongodriver.local.process import Member
from mongodriver.local.server import LocalServer

__all__ = ["LocalServer", "LocalServerError", "Member", "find_mongod"]

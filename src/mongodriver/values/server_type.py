"""The kinds of server the driver tells apart."""

from typing import NamedTuple

from mongodriver.values.public_names import known_as

__all__ = ["SERVER_TYPE"]


class _ServerType(NamedTuple):
    Unknown: int
    Mongos: int
    RSPrimary: int
    RSSecondary: int
    RSArbiter: int
    RSOther: int
    RSGhost: int
    Standalone: int
    LoadBalancer: int


SERVER_TYPE = _ServerType(*range(9))


known_as("mongodriver.server_type", globals())

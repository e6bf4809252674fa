"""What the driver knows about one server."""

from mongodriver.spec.server import ServerDescription

__all__ = ["ServerDescription"]

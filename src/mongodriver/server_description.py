"""What the driver knows about one server."""

from mongodriver.values.server_description import ServerDescription

__all__ = ["ServerDescription"]

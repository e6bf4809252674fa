"""The synchronous classes: each method runs the coroutine of its asynchronous twin to its end."""

from ..values.late_modules import late_modules

# What PyMongo's package has when it was imported.
__getattr__ = late_modules(
    __name__,
    *("change_stream", "client_session", "collection", "command_cursor", "command_runner"),
    *("cursor", "database", "mongo_client", "monitor", "pool", "server", "settings"),
    *("srv_resolver", "topology", "uri_parser"),
)

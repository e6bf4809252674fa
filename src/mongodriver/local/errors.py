"""The error of the embedded server."""


class LocalServerError(RuntimeError):
    """A local mongod could not be found, started or brought into the wanted state."""

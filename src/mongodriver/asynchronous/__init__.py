"""The asynchronous classes: the driver's public API as coroutines."""

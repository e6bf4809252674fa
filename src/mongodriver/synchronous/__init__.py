"""The synchronous classes: each method runs the coroutine of its asynchronous twin to its end."""

"""What the classes of GridFS are in both flavours: coroutines, which the asynchronous classes await
and the synchronous ones run.
"""

"""Scenarios of several steps, by area: each coroutine function is one, named for what happens.

It is given a `comparison.sides.Stage`: names of the driver (``s.pymongo``, ``s.bson``,
``s.gridfs``), a client (``s.client``) and a collection of its own (``s.t`` in ``s.db``), clients
with options (``s.make``). ``await s.of(...)`` records a result or an exception, ``s.show(...)``
values. Warnings and the events of commands are recorded anyway.
"""

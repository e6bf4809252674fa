"""One scenario, done with PyMongo and with this driver on the same server, gives the same record.

A scenario is one named situation: an expression of ``expressions/*.txt`` or a coroutine of
``scenarios/*.py``. Its record is all that a program could see of it: results, or the exception with
its classes, text, code, details and labels; what became of the arguments; warnings; and the events
of commands, in order. Differences that are wanted are listed, with their reasons, in `wanted.toml`,
and count as different.
"""

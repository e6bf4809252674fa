"""Commands over a connection, with all that may be said of one."""

from __future__ import annotations

from mongodriver.asynchronous import command_runner
from mongodriver.public.flavour import blocking_function

__all__ = ["run_command"]

run_command = blocking_function(command_runner.run_command)

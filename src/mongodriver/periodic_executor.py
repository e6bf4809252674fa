"""Something that is done again and again, in a thread or a task of its own."""

from mongodriver.compat.periodic import AsyncPeriodicExecutor, PeriodicExecutor

__all__ = ["AsyncPeriodicExecutor", "PeriodicExecutor"]

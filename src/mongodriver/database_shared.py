"""Rules for database names."""

from mongodriver.values.database_name import _check_name

__all__ = ["_check_name"]

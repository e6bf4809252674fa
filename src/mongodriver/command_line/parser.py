"""The parser of a command's arguments."""

from __future__ import annotations

import argparse
from typing import NoReturn

from .secrets import without_secrets

__all__ = ["Parser"]


class Parser(argparse.ArgumentParser):
    """Argparse's, that keeps the secrets of a connection string it complains of."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 after saying what is wrong."""
        super().error(without_secrets(message))

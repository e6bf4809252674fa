"""What runs here: the first question about whatever goes wrong."""

from __future__ import annotations

import platform
import ssl
from typing import Any

from bsonx import has_c
from mongodriver._version import __version__

__all__ = ["line", "versions"]


def versions() -> dict[str, Any]:
    """Versions of the driver and of what it stands on, as the JSON document has them."""
    return {
        "mongodriver": __version__,
        "extension": has_c(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "tls": ssl.OPENSSL_VERSION,
    }


def line() -> str:
    """The same as a line of text."""
    known = versions()
    codec = "with" if known["extension"] else "without"
    return (
        f"client: mongodriver {known['mongodriver']} {codec} extension, {known['python']}, "
        f"{known['platform']}, {known['tls']}"
    )

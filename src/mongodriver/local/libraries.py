"""Shared libraries that a mongod needs and a small machine may lack."""

from __future__ import annotations

import re

# What the loaders of glibc and of musl say; they name the first one only.
_MISSING = re.compile(
    rb"error while loading shared libraries: (?P<glibc>[^:\s]+): cannot open shared object file"
    rb"|Error loading shared library (?P<musl>[^:\s]+): No such file"
)
_DEBIAN_PACKAGES = {
    "libcrypto.so.1.1": "libssl1.1",
    "libcrypto.so.3": "libssl3",
    "libcurl.so.4": "libcurl4",
    "libgcc_s.so.1": "libgcc-s1",
    "liblzma.so.5": "liblzma5",
    "libssl.so.1.1": "libssl1.1",
    "libssl.so.3": "libssl3",
}


def missing_library(log: bytes) -> str | None:
    """Return the name of the library whose absence ended a program that wrote `log`, if any."""
    found = _MISSING.search(log)
    if found is None:
        return None
    return (found["glibc"] or found["musl"]).decode("utf-8", "replace")


def advice(library: str) -> str:
    """Return what is wrong when `library` is missing and, where that is known, the way out."""
    problem = f"the shared library {library} is missing"
    package = _DEBIAN_PACKAGES.get(library)
    return f"{problem} (Debian, Ubuntu: apt-get install {package})" if package else problem

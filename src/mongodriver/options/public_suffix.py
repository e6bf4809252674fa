"""The Public Suffix List: the domains under which anybody can register a name.

A host in such a domain is nobody's in particular, so none may be vouched for by it alone: the
initial-dns-seedlist-discovery specification advises against such a `srvAllowedHostsSuffix`, and
PyMongo refuses it.
"""

from __future__ import annotations

from functools import cache

__all__ = ["is_public_suffix"]


@cache
def _rules() -> frozenset[str]:
    from importlib.resources import files  # costs milliseconds that few programs need

    text = files("mongodriver.options").joinpath("public_suffixes.txt").read_text("ascii")
    return frozenset(line for line in text.split("\n") if line and not line.startswith("//"))


def is_public_suffix(domain: str) -> bool:
    """Return whether a domain is a public suffix.

    :param domain: of two labels or more, which are A-labels in lower case.
    """
    rules = _rules()
    if "!" + domain in rules:
        return False
    return domain in rules or "*." + domain.partition(".")[2] in rules

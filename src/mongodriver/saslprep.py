"""SASLprep: the prepared form of passwords (RFC 4013)."""

from mongodriver.auth.saslprep import saslprep

__all__ = ["HAVE_STRINGPREP", "saslprep"]

#: The standard library has what it needs.
HAVE_STRINGPREP = True

"""Parsing connection strings, synchronous."""

from mongodriver.options.parse_uri import parse_uri

__all__ = ["parse_uri"]

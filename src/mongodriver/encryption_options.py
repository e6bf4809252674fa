"""The options of client-side encryption."""

from mongodriver.io.http_proxy import AsyncHTTPProxyKMSConnect, HTTPProxyKMSConnect
from mongodriver.options.encryption_options import AutoEncryptionOpts, check_min_pymongocrypt
from mongodriver.values.encryption_options import (
    KMSConnectContext,
    PrefixOpts,
    RangeOpts,
    StringOpts,
    SubstringOpts,
    SuffixOpts,
)

__all__ = [
    "AsyncHTTPProxyKMSConnect",
    "AutoEncryptionOpts",
    "HTTPProxyKMSConnect",
    "KMSConnectContext",
    "PrefixOpts",
    "RangeOpts",
    "StringOpts",
    "SubstringOpts",
    "SuffixOpts",
    "check_min_pymongocrypt",
]

"""Write docs/options.md: every option of clients (`make options`).

Names, types and defaults come from `mongodriver.options`, what they mean from options.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mongodriver.options.client_options import ClientOptions
from mongodriver.options.unsupported import REFUSED
from mongodriver.options.uri_options import (
    KW_VALIDATORS,
    OWN_KW_VALIDATORS,
    VALIDATORS,
)
from mongodriver.values import limits
from mongodriver.values.proxy import DEFAULT_PROXY_PORT

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "options.md"

_HEAD = """\
# Connection options

Every option of `MongoClient` and `AsyncMongoClient`. They stand in the connection string, or are
keyword arguments, which come first; case does not matter.

```python
from mongodriver import MongoClient

client = MongoClient(
    "mongodb://localhost:27017/?appname=shop&maxPoolSize=20&timeoutMS=5000",
    retryWrites=True,
)
client.close()
```

Names are PyMongo's. An option that is unknown, or would do nothing, is refused as a keyword
argument (ConfigurationError); in a connection string unknown ones are left out with a warning, as
in PyMongo. Options marked *keyword* have no text form. "none" as a default means that the option is
not in force until it is given.

<!-- Written by docs/tools/options.py, the meanings by docs/tools/options.toml: change those. -->
"""

_TYPES = {
    "appname_or_none": "text",
    "auth_mechanism": "name",
    "auth_mechanism_properties": "text or dict",
    "auto_encryption_opts_or_none": "AutoEncryptionOpts",
    "boolean_or_string": "true or false",
    "compressors": "text or list",
    "datetime_conversion": "name",
    "document_class": "class",
    "driver_or_none": "DriverInfo",
    "event_listeners": "list",
    "is_callable_or_none": "function",
    "max_staleness": "whole number",
    "non_negative_int_or_basestring": "number or name",
    "non_negative_integer": "whole number",
    "non_negative_integer_or_none": "whole number",
    "nursery_or_none": "nursery",
    "port": "port",
    "positive_float_or_zero": "number",
    "positive_integer": "whole number from 1",
    "read_preference": "object",
    "read_preference_mode": "name",
    "read_preference_tags": "text or list",
    "readable": "file",
    "server_api_or_none": "ServerApi",
    "server_monitoring_mode": "name",
    "string": "text",
    "string_or_none": "text",
    "timeout_or_none": "milliseconds",
    "timeout_or_none_or_zero": "milliseconds",
    "timeout_or_zero": "milliseconds",
    "timeoutms": "milliseconds",
    "tracing_or_none": "dict",
    "type_registry": "TypeRegistry",
    "tzinfo": "tzinfo",
    "unicode_decode_error_handler": "name",
    "uuid_representation": "name",
    "zlib_compression_level": "-1 to 9",
}
#: Among the options of connection strings for PyMongo's sake: no text makes one.
_OBJECTS = {"driver", "server_api"}
_TYPES_BY_NAME = {"localthresholdms": "milliseconds", "wtimeoutms": "milliseconds"}


def texts() -> dict[str, dict[str, Any]]:
    """Return what is written of the options, by group and name."""
    return tomllib.loads((HERE / "options.toml").read_text(encoding="utf-8"))


def described() -> dict[str, Any]:
    """Return what is written of the options, by lower-case name."""
    return {name.lower(): text for group in texts().values() for name, text in group.items()}


def defaults() -> Mapping[str, Any]:
    """Return the values that hold where an option is not given, by lower-case name."""
    client = ClientOptions(None, None, None, {})
    pool = client.pool_options
    codec = client.codec_options
    return {
        "appname": pool.appname,
        "auto_encryption_opts": client.auto_encryption_opts,
        "connecttimeoutms": _milliseconds(pool.connect_timeout),
        "datetime_conversion": codec.datetime_conversion.name.lower(),
        "directconnection": bool(client.direct_connection),
        "document_class": codec.document_class.__name__,
        "enableoverloadretargeting": client.enable_overload_retargeting,
        "heartbeatfrequencyms": _milliseconds(client.heartbeat_frequency),
        "loadbalanced": bool(client.load_balanced),
        "localthresholdms": client.local_threshold_ms,
        "maxadaptiveretries": client.max_adaptive_retries,
        "maxconnecting": pool.max_connecting,
        "maxidletimems": _milliseconds(pool.max_idle_time_seconds),
        "maxpoolsize": pool.max_pool_size,
        "maxstalenessseconds": client.read_preference.max_staleness,
        "minpoolsize": pool.min_pool_size,
        "proxyport": DEFAULT_PROXY_PORT,
        "readconcernlevel": client.read_concern.level,
        "readpreference": client.read_preference.mongos_mode,
        "replicaset": client.replica_set_name,
        "retryreads": client.retry_reads,
        "retrywrites": client.retry_writes,
        "server_api": pool.server_api,
        "servermonitoringmode": client.server_monitoring_mode,
        "serverselectionfailfast": client._server_selection_fail_fast,
        "serverselectiontimeoutms": _milliseconds(client.server_selection_timeout),
        "sockettimeoutms": _milliseconds(pool.socket_timeout),
        "srvmaxhosts": 0,
        "srvservicename": limits.SRV_SERVICE_NAME,
        "timeoutms": client.timeout,
        "tlsallowinvalidcertificates": False,
        "tlsallowinvalidhostnames": False,
        "tz_aware": codec.tz_aware,
        "unicode_decode_error_handler": codec.unicode_decode_error_handler,
        "uuidrepresentation": "unspecified",
        "waitqueuetimeoutms": _milliseconds(pool.wait_queue_timeout),
        "zlibcompressionlevel": -1,
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def type_of(option: str) -> str:
    """Say in words what an option takes; `option` is in lower case."""
    validator = VALIDATORS[option].__name__.removeprefix("_").removeprefix("validate_")
    return _TYPES_BY_NAME.get(option, _TYPES[validator])


def page() -> str:
    """Return the page's text."""
    return "".join(_lines())


def _lines() -> Iterator[str]:
    yield _HEAD
    values = defaults()
    for group, options in texts().items():
        yield f"\n## {group}\n\n| option | takes | default | |\n|---|---|---|---|\n"
        for name, text in options.items():
            yield _row(name, text, values)
    yield "\n## Refused\n\nPyMongo takes these, and they do nothing there. Here they raise "
    yield "ConfigurationError.\n\n| option | because |\n|---|---|\n"
    yield from (f"| `{name}` | {why} |\n" for name, why in REFUSED.values())


def _row(name: str, text: str | dict[str, str], values: Mapping[str, Any]) -> str:
    option = name.lower()
    known = {"text": text} if isinstance(text, str) else text
    keyword = option in KW_VALIDATORS | OWN_KW_VALIDATORS or option in _OBJECTS
    takes = type_of(option) + (" (*keyword*)" if keyword else "")
    default = known.get("else") or _shown(values.get(option))
    return f"| `{name}` | {takes} | {default} | {known['text']} |\n"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

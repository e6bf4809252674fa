"""The options of connection strings and clients: their names and how they are checked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, NoReturn, overload

from bsonx.binary import UuidRepresentation
from mongodriver.events.listeners import _validate_event_listeners
from mongodriver.options.compressors import validate_compressors
from mongodriver.options.tracing import validate_tracing_or_none
from mongodriver.values.driver_info import DriverInfo
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.escapes import unquote_plus
from mongodriver.values.mechanisms import MECHANISMS
from mongodriver.values.read_preferences import _MONGOS_MODES, _ServerMode
from mongodriver.values.server_api import ServerApi
from mongodriver.values.validators import (
    validate_appname_or_none,
    validate_boolean_or_string,
    validate_datetime_conversion,
    validate_document_class,
    validate_is_callable_or_none,
    validate_list,
    validate_max_staleness,
    validate_non_negative_int_or_basestring,
    validate_non_negative_integer,
    validate_non_negative_integer_or_none,
    validate_nursery_or_none,
    validate_port,
    validate_positive_float_or_zero,
    validate_positive_integer,
    validate_readable,
    validate_string,
    validate_string_or_none,
    validate_timeout_or_none,
    validate_timeout_or_none_or_zero,
    validate_timeout_or_zero,
    validate_timeoutms,
    validate_type_registry,
    validate_tzinfo,
)

Validator = Callable[[str, Any], Any]

_UUID_REPRESENTATIONS = {
    "unspecified": UuidRepresentation.UNSPECIFIED,
    "standard": UuidRepresentation.STANDARD,
    "pythonLegacy": UuidRepresentation.PYTHON_LEGACY,
    "javaLegacy": UuidRepresentation.JAVA_LEGACY,
    "csharpLegacy": UuidRepresentation.CSHARP_LEGACY,
}

_UNICODE_DECODE_ERROR_HANDLERS = frozenset({"strict", "replace", "ignore"})

# The properties a connection string may set, those that always raise when they are wrong, and
# those that are no secrets.
_MECHANISM_PROPS = frozenset(
    {
        "AWS_SESSION_TOKEN",
        "CANONICALIZE_HOST_NAME",
        "ENVIRONMENT",
        "SERVICE_HOST",
        "SERVICE_NAME",
        "SERVICE_REALM",
        "TOKEN_RESOURCE",
    }
)
_MECH_PROP_MUST_RAISE = ["CANONICALIZE_HOST_NAME"]
_SAFE_AUTH_MECHANISM_PROPS_FOR_REPR = frozenset(
    {*_MECHANISM_PROPS, "ALLOWED_HOSTS"} - {"AWS_SESSION_TOKEN"}
)

# Properties that have no text form.
_CALLBACK_PROPS = frozenset({"OIDC_CALLBACK", "OIDC_HUMAN_CALLBACK"})
_PYTHON_PROPS = frozenset({"ALLOWED_HOSTS", *_CALLBACK_PROPS})

_CANONICALIZE = [False, True, "none", "forward", "forwardAndReverse"]


def _is_a(value: Any, class_name: str) -> bool:
    """Return whether `value` is of a class of that name, whose module may need other packages."""
    return any(kind.__name__ == class_name for kind in type(value).__mro__)


def _one_of(values: frozenset[str] | Mapping[str, Any]) -> str:
    return str(tuple(sorted(values)))


def validate_auth_mechanism(option: str, value: Any) -> str:
    """Accept the name of an authentication mechanism."""
    if value not in MECHANISMS:
        raise ValueError(f"{option} must be in {_one_of(MECHANISMS)}")
    return str(value)


def validate_auth_mechanism_properties(option: str, value: Any) -> dict[str, Any]:
    """Accept a mapping, or "NAME:value,NAME:value" with names from a fixed list."""
    if isinstance(value, dict):
        return _checked_properties(value)
    if not isinstance(value, str):
        raise TypeError(
            "Auth mechanism properties must be given as a string or a dictionary, "
            f"not {type(value)}"
        )
    properties: dict[str, Any] = {}
    for pair in unquote_plus(value).split(","):
        name, _, text = pair.partition(":")
        if not text:
            raise ValueError("Malformed auth mechanism properties")
        if name not in _MECHANISM_PROPS:
            raise ValueError(
                f"{name} is not a supported auth mechanism property. "
                f"Must be one of {_one_of(_MECHANISM_PROPS)}"
            )
        properties[name] = _property_value(name, text)
    return properties


def _property_value(name: str, text: str) -> bool | str:
    if name != "CANONICALIZE_HOST_NAME":
        return text
    value = {"true": True, "false": False}.get(text, text)
    if value not in _CANONICALIZE:
        raise ValueError(f"{name} {value!r} not in valid options: {_CANONICALIZE}")
    return value


def _checked_properties(given: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, value in given.items():
        if name in _CALLBACK_PROPS and not _is_callback(value):
            raise TypeError(f"callback must be an OIDCCallback object, not {type(value)}")
        if isinstance(value, bool):
            properties[name] = "true" if value else "false"
        elif (
            isinstance(value, str)
            or name in _CALLBACK_PROPS
            or (name == "ALLOWED_HOSTS" and isinstance(value, list))
        ):
            properties[name] = value
        else:
            raise TypeError(f"Invalid type for auth mechanism property {name}, {type(value)}")
    return properties


def _is_callback(value: Any) -> bool:
    from mongodriver.auth.oidc import OIDCCallback

    return isinstance(value, OIDCCallback)


def redact_auth_mechanism_properties_for_repr(value: Any) -> Any:
    """Return the properties with whatever may be a secret replaced."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: text if name in _SAFE_AUTH_MECHANISM_PROPS_FOR_REPR else "<redacted>"
        for name, text in value.items()
    }


def validate_read_preference(dummy: Any, value: Any) -> _ServerMode:
    """Accept a read preference object."""
    if not isinstance(value, _ServerMode):
        raise TypeError(f"{value!r} is not a read preference")
    return value


def validate_read_preference_mode(dummy: Any, value: Any) -> str:
    """Accept the name of a read preference mode."""
    if value not in _MONGOS_MODES:
        raise ValueError(f"{value} is not a valid read preference")
    return str(value)


def validate_read_preference_tags(name: str, value: Any) -> list[dict[str, str]]:
    """Accept "name:value,name:value", "" for any, or a list of them; return tag sets."""
    texts = value if isinstance(value, list) else [value]
    tag_sets: list[dict[str, str]] = []
    for text in texts:
        try:
            tag_sets.append(_tag_set(text))
        except (AttributeError, ValueError, TypeError):
            raise ValueError(f"{text!r} not a valid value for {name}") from None
    return tag_sets


def _tag_set(text: str) -> dict[str, str]:
    if text == "":
        return {}
    tags = {}
    for pair in text.split(","):
        tag, value = (unquote_plus(part) for part in pair.split(":"))
        tags[tag] = value
    return tags


def validate_uuid_representation(dummy: Any, value: Any) -> int:
    """Accept the name of a UUID representation; return its number."""
    try:
        return _UUID_REPRESENTATIONS[value]
    except (KeyError, TypeError):
        raise ValueError(
            f"{value} is an invalid UUID representation. "
            f"Must be one of {tuple(_UUID_REPRESENTATIONS)}"
        ) from None


def validate_unicode_decode_error_handler(dummy: Any, value: Any) -> str:
    """Accept "strict", "replace" or "ignore"."""
    if value not in _UNICODE_DECODE_ERROR_HANDLERS:
        raise ValueError(
            f"{value} is an invalid Unicode decode error handler. "
            f"Must be one of {_one_of(_UNICODE_DECODE_ERROR_HANDLERS)}"
        )
    return str(value)


def validate_server_monitoring_mode(option: str, value: Any) -> str:
    """Accept "auto", "stream" or "poll"."""
    if value not in ("auto", "stream", "poll"):
        raise ValueError(
            f'{option}={value!r} is invalid. Must be one of "auto", "stream", or "poll"'
        )
    return str(value)


def validate_driver_or_none(option: Any, value: Any) -> DriverInfo | None:
    """Accept a DriverInfo or None."""
    if value is not None and not isinstance(value, DriverInfo):
        raise TypeError(f"{option} must be an instance of DriverInfo")
    return value


def validate_server_api_or_none(option: Any, value: Any) -> ServerApi | None:
    """Accept a ServerApi or None."""
    if value is not None and not isinstance(value, ServerApi):
        raise TypeError(f"{option} must be an instance of ServerApi, not {type(value)}")
    return value


def validate_auto_encryption_opts_or_none(option: Any, value: Any) -> Any:
    """Accept an AutoEncryptionOpts or None."""
    if value is None:
        return None
    if not _is_a(value, "AutoEncryptionOpts"):
        raise TypeError(f"{option} must be an instance of AutoEncryptionOpts, not {type(value)}")
    return value


def validate_zlib_compression_level(option: str, value: Any) -> int:
    """Accept an integer from -1 to 9."""
    try:
        level = int(value)
    except Exception:
        raise TypeError(f"{option} must be an integer, not {value!r}") from None
    if not -1 <= level <= 9:
        raise ValueError(f"{option} must be between -1 and 9, not {level}.")
    return level


#: PyMongo has none of these; not offered to those who misspell another one.
OWN_VALIDATORS: dict[str, Validator] = {
    "proxyhost": validate_string,
    "proxyport": validate_port,
    "proxyusername": validate_string,
    "proxypassword": validate_string,
    "serverselectionfailfast": validate_boolean_or_string,
}

# Options of the specifications, by lower-case name.
URI_OPTIONS_VALIDATOR_MAP: dict[str, Validator] = {
    "appname": validate_appname_or_none,
    "authmechanism": validate_auth_mechanism,
    "authmechanismproperties": validate_auth_mechanism_properties,
    "authsource": validate_string,
    "compressors": validate_compressors,
    "connecttimeoutms": validate_timeout_or_none_or_zero,
    "directconnection": validate_boolean_or_string,
    "heartbeatfrequencyms": validate_timeout_or_none,
    "journal": validate_boolean_or_string,
    "localthresholdms": validate_positive_float_or_zero,
    "maxidletimems": validate_timeout_or_none,
    "maxconnecting": validate_positive_integer,
    "maxpoolsize": validate_non_negative_integer_or_none,
    "maxstalenessseconds": validate_max_staleness,
    "readconcernlevel": validate_string_or_none,
    "readpreference": validate_read_preference_mode,
    "readpreferencetags": validate_read_preference_tags,
    "replicaset": validate_string_or_none,
    "retryreads": validate_boolean_or_string,
    "retrywrites": validate_boolean_or_string,
    "loadbalanced": validate_boolean_or_string,
    "serverselectiontimeoutms": validate_timeout_or_zero,
    "sockettimeoutms": validate_timeout_or_none_or_zero,
    "tls": validate_boolean_or_string,
    "tlsallowinvalidcertificates": validate_boolean_or_string,
    "tlsallowinvalidhostnames": validate_boolean_or_string,
    "tlscafile": validate_readable,
    "tlscertificatekeyfile": validate_readable,
    "tlscertificatekeyfilepassword": validate_string_or_none,
    "tlsdisableocspendpointcheck": validate_boolean_or_string,
    "tlsinsecure": validate_boolean_or_string,
    "w": validate_non_negative_int_or_basestring,
    "wtimeoutms": validate_non_negative_integer,
    "zlibcompressionlevel": validate_zlib_compression_level,
    "srvservicename": validate_string,
    "srvmaxhosts": validate_non_negative_integer,
    "srvallowedhostssuffix": validate_string,
    "timeoutms": validate_timeoutms,
    "servermonitoringmode": validate_server_monitoring_mode,
    **OWN_VALIDATORS,
    "maxadaptiveretries": validate_non_negative_integer,
    "enableoverloadretargeting": validate_boolean_or_string,
}

# Options of this driver, in connection strings as well.
NONSPEC_OPTIONS_VALIDATOR_MAP: dict[str, Validator] = {
    "connect": validate_boolean_or_string,
    "driver": validate_driver_or_none,
    "server_api": validate_server_api_or_none,
    "fsync": validate_boolean_or_string,
    "minpoolsize": validate_non_negative_integer,
    "tlscrlfile": validate_readable,
    "tz_aware": validate_boolean_or_string,
    "unicode_decode_error_handler": validate_unicode_decode_error_handler,
    "uuidrepresentation": validate_uuid_representation,
    "waitqueuemultiple": validate_non_negative_integer_or_none,
    "waitqueuetimeoutms": validate_timeout_or_none,
    "datetime_conversion": validate_datetime_conversion,
}

# Options that are keyword arguments only.
KW_VALIDATORS: dict[str, Validator] = {
    "document_class": validate_document_class,
    "type_registry": validate_type_registry,
    "read_preference": validate_read_preference,
    "event_listeners": _validate_event_listeners,
    "tzinfo": validate_tzinfo,
    "username": validate_string_or_none,
    "password": validate_string_or_none,
    "server_selector": validate_is_callable_or_none,
    "srv_host_validator": validate_is_callable_or_none,
    "auto_encryption_opts": validate_auto_encryption_opts_or_none,
    "authoidcallowedhosts": validate_list,
    "max_adaptive_retries": validate_non_negative_integer,
    "enable_overload_retargeting": validate_boolean_or_string,
}

# The same, of this driver alone.
OWN_KW_VALIDATORS: dict[str, Validator] = {
    "tracing": validate_tracing_or_none,
    "trio_nursery": validate_nursery_or_none,
}

URI_OPTIONS_ALIAS_MAP: dict[str, list[str]] = {"tls": ["ssl"]}
INTERNAL_URI_OPTION_NAME_MAP: dict[str, str] = {"ssl": "tls"}
URI_OPTIONS_DEPRECATION_MAP: dict[str, tuple[str, str]] = {}

URI_OPTIONS_VALIDATOR_MAP |= NONSPEC_OPTIONS_VALIDATOR_MAP
for _name, _aliases in URI_OPTIONS_ALIAS_MAP.items():
    URI_OPTIONS_VALIDATOR_MAP |= dict.fromkeys(_aliases, URI_OPTIONS_VALIDATOR_MAP[_name])

VALIDATORS: dict[str, Validator] = {
    **URI_OPTIONS_VALIDATOR_MAP,
    **KW_VALIDATORS,
    **OWN_KW_VALIDATORS,
}

TIMEOUT_OPTIONS: list[str] = [
    "connecttimeoutms",
    "heartbeatfrequencyms",
    "maxidletimems",
    "maxstalenessseconds",
    "serverselectiontimeoutms",
    "sockettimeoutms",
    "waitqueuetimeoutms",
]

WRITE_CONCERN_OPTIONS = frozenset(["w", "wtimeout", "wtimeoutms", "fsync", "j", "journal"])


class CaseInsensitiveDict(MutableMapping[str, Any]):
    """A mapping of option names that ignores case and remembers the spelling it was given."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._cased: dict[str, str] = {}
        self._data: dict[str, Any] = {}
        self.update(dict(*args, **kwargs))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._data

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __repr__(self) -> str:
        return str(self.cased())

    def __getitem__(self, key: str) -> Any:
        return self._data[key.lower()]

    def __setitem__(self, key: str, value: Any) -> None:
        name = key.lower()
        self._cased[name] = key
        self._data[name] = value

    def __delitem__(self, key: str) -> None:
        name = key.lower()
        del self._data[name]
        del self._cased[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping) or len(self) != len(other):
            return NotImplemented if not isinstance(other, Mapping) else False
        return all(key in self and self[key] == other[key] for key in other)

    __hash__ = None  # type: ignore[assignment]

    @overload
    def get(self, key: str, /) -> Any: ...
    @overload
    def get(self, key: str, /, default: Any) -> Any: ...
    def get(self, key: str, /, default: Any = None) -> Any:
        return self._data.get(key.lower(), default)

    def cased_key(self, key: str) -> str:
        """Return the spelling `key` was set with."""
        return self._cased[key.lower()]

    def cased(self) -> dict[str, Any]:
        """Return a dict with the names as they were spelled."""
        return {self._cased[name]: value for name, value in self._data.items()}


def raise_config_error(key: str, suggestions: list[str] | None = None) -> NoReturn:
    """Raise ConfigurationError for an unknown option, with the names that may be meant."""
    message = f"Unknown option: {key}."
    if suggestions:
        message += (
            f" Did you mean one of ({', '.join(suggestions)}) or maybe a camelCase version of "
            "one? Refer to docstring."
        )
    raise ConfigurationError(message)


def _validator(key: str, validators: Mapping[str, Validator], name: str) -> Validator:
    if name in validators:
        return validators[name]
    from difflib import get_close_matches  # only for errors

    meant = any(part in name for part in ("proxy", "fast", "trac", "trio", "nursery"))
    own = OWN_VALIDATORS.keys() | OWN_KW_VALIDATORS.keys()
    known = [other for other in validators if meant or other not in own]
    raise_config_error(key, get_close_matches(name, known, cutoff=0.2))


def validate(option: str, value: Any) -> tuple[str, Any]:
    """Return an option's name and its checked value; ConfigurationError if it is unknown."""
    return option, _validator(option, VALIDATORS, option.lower())(option, value)


@overload
def get_validated_options(
    options: CaseInsensitiveDict, warn: bool = ...
) -> CaseInsensitiveDict: ...
@overload
def get_validated_options(
    options: Mapping[str, Any], warn: bool = ...
) -> MutableMapping[str, Any]: ...
def get_validated_options(
    options: Mapping[str, Any], warn: bool = True
) -> MutableMapping[str, Any]:
    """Return the checked options by lower-case name (or a CaseInsensitiveDict, if given one).

    With `warn`, unknown options and wrong values are left out with a warning. Without, they
    raise ConfigurationError, TypeError or ValueError.
    """
    validated: MutableMapping[str, Any]
    spelled: Callable[[str], str]
    if isinstance(options, CaseInsensitiveDict):
        validated, spelled = CaseInsensitiveDict(), options.cased_key
    else:
        validated, spelled = {}, str.lower
    for name, value in options.items():
        lower = name.lower()
        try:
            check = _validator(name, URI_OPTIONS_VALIDATOR_MAP, lower)
            validated[spelled(name)] = check(name, value)
        except (ValueError, TypeError, ConfigurationError) as error:
            if not warn or _must_raise(lower, value):
                raise
            warnings.warn(str(error), stacklevel=2)
    return validated


def _must_raise(name: str, value: Any) -> bool:
    return name == "authmechanismproperties" and any(
        text in str(value) for text in _MECH_PROP_MUST_RAISE
    )

"""Defaults, limits and checks of options, under the names applications know them by."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from bsonx import has_c
from bsonx.son import SON
from mongodriver.options.compressors import validate_compressors
from mongodriver.options.uri_options import (
    _MECH_PROP_MUST_RAISE,
    _MECHANISM_PROPS,
    _SAFE_AUTH_MECHANISM_PROPS_FOR_REPR,
    _UNICODE_DECODE_ERROR_HANDLERS,
    _UUID_REPRESENTATIONS,
    INTERNAL_URI_OPTION_NAME_MAP,
    KW_VALIDATORS,
    NONSPEC_OPTIONS_VALIDATOR_MAP,
    TIMEOUT_OPTIONS,
    URI_OPTIONS_ALIAS_MAP,
    URI_OPTIONS_DEPRECATION_MAP,
    URI_OPTIONS_VALIDATOR_MAP,
    VALIDATORS,
    WRITE_CONCERN_OPTIONS,
    get_validated_options,
    raise_config_error,
    redact_auth_mechanism_properties_for_repr,
    validate,
    validate_auth_mechanism,
    validate_auth_mechanism_properties,
    validate_auto_encryption_opts_or_none,
    validate_driver_or_none,
    validate_read_preference,
    validate_read_preference_mode,
    validate_read_preference_tags,
    validate_server_api_or_none,
    validate_server_monitoring_mode,
    validate_unicode_decode_error_handler,
    validate_uuid_representation,
    validate_zlib_compression_level,
)
from mongodriver.options.uri_options import CaseInsensitiveDict as _CaseInsensitiveDictionary
from mongodriver.values.address import clean_node, partition_node
from mongodriver.values.inherited_options import BaseObject
from mongodriver.values.limits import (
    CONNECT_TIMEOUT,
    ENABLE_OVERLOAD_RETARGETING,
    HEARTBEAT_FREQUENCY,
    KILL_CURSOR_FREQUENCY,
    LOCAL_THRESHOLD_MS,
    MAX_ADAPTIVE_RETRIES,
    MAX_BSON_SIZE,
    MAX_CONNECTING,
    MAX_IDLE_TIME_SEC,
    MAX_MESSAGE_SIZE,
    MAX_POOL_SIZE,
    MAX_SUPPORTED_WIRE_VERSION,
    MAX_WRITE_BATCH_SIZE,
    MIN_HEARTBEAT_INTERVAL,
    MIN_POOL_SIZE,
    MIN_SUPPORTED_SERVER_VERSION,
    MIN_SUPPORTED_WIRE_VERSION,
    RETRY_READS,
    RETRY_WRITES,
    SERVER_MONITORING_MODE,
    SERVER_SELECTION_TIMEOUT,
    SRV_SERVICE_NAME,
    WAIT_QUEUE_TIMEOUT,
)
from mongodriver.values.limits import MAX_END_SESSIONS as _MAX_END_SESSIONS
from mongodriver.values.validators import (
    validate_appname_or_none,
    validate_boolean_or_string,
    validate_datetime_conversion,
    validate_document_class,
    validate_integer,
    validate_is_callable_or_none,
    validate_is_document_type,
    validate_is_mapping,
    validate_list,
    validate_list_or_mapping,
    validate_list_or_none,
    validate_max_staleness,
    validate_non_negative_int_or_basestring,
    validate_non_negative_integer,
    validate_non_negative_integer_or_none,
    validate_ok_for_replace,
    validate_ok_for_update,
    validate_positive_float,
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
from mongodriver.values.version import Version
from mongodriver.values.write_concern import validate_boolean

__all__ = [
    "COMMAND_NOT_FOUND_CODES",
    "CONNECT_TIMEOUT",
    "ENABLE_OVERLOAD_RETARGETING",
    "EVENTS_QUEUE_FREQUENCY",
    "HEARTBEAT_FREQUENCY",
    "INTERNAL_URI_OPTION_NAME_MAP",
    "KILL_CURSOR_FREQUENCY",
    "KW_VALIDATORS",
    "LOCAL_THRESHOLD_MS",
    "MAX_ADAPTIVE_RETRIES",
    "MAX_BSON_SIZE",
    "MAX_CONNECTING",
    "MAX_IDLE_TIME_MS",
    "MAX_IDLE_TIME_SEC",
    "MAX_MESSAGE_SIZE",
    "MAX_POOL_SIZE",
    "MAX_SUPPORTED_WIRE_VERSION",
    "MAX_WIRE_VERSION",
    "MAX_WRITE_BATCH_SIZE",
    "MIN_HEARTBEAT_INTERVAL",
    "MIN_POOL_SIZE",
    "MIN_SRV_RESCAN_INTERVAL",
    "MIN_SUPPORTED_SERVER_VERSION",
    "MIN_SUPPORTED_WIRE_VERSION",
    "MIN_WIRE_VERSION",
    "MONGOS_EXHAUST_WIRE_VERSION",
    "NONSPEC_OPTIONS_VALIDATOR_MAP",
    "ORDERED_TYPES",
    "RETRY_READS",
    "RETRY_WRITES",
    "SERVER_MONITORING_MODE",
    "SERVER_SELECTION_TIMEOUT",
    "SRV_SERVICE_NAME",
    "TIMEOUT_OPTIONS",
    "UNAUTHORIZED_CODES",
    "URI_OPTIONS_ALIAS_MAP",
    "URI_OPTIONS_DEPRECATION_MAP",
    "URI_OPTIONS_VALIDATOR_MAP",
    "VALIDATORS",
    "WAIT_QUEUE_TIMEOUT",
    "WRITE_CONCERN_OPTIONS",
    "_MAX_END_SESSIONS",
    "_MECHANISM_PROPS",
    "_MECH_PROP_MUST_RAISE",
    "_SAFE_AUTH_MECHANISM_PROPS_FOR_REPR",
    "_UNICODE_DECODE_ERROR_HANDLERS",
    "_UUID_REPRESENTATIONS",
    "BaseObject",
    "Version",
    "_CaseInsensitiveDictionary",
    "check_for_min_version",
    "clean_node",
    "get_validated_options",
    "has_c",
    "partition_node",
    "raise_config_error",
    "redact_auth_mechanism_properties_for_repr",
    "validate",
    "validate_appname_or_none",
    "validate_auth_mechanism",
    "validate_auth_mechanism_properties",
    "validate_auto_encryption_opts_or_none",
    "validate_boolean",
    "validate_boolean_or_string",
    "validate_compressors",
    "validate_datetime_conversion",
    "validate_document_class",
    "validate_driver_or_none",
    "validate_integer",
    "validate_is_callable_or_none",
    "validate_is_document_type",
    "validate_is_mapping",
    "validate_list",
    "validate_list_or_mapping",
    "validate_list_or_none",
    "validate_max_staleness",
    "validate_non_negative_int_or_basestring",
    "validate_non_negative_integer",
    "validate_non_negative_integer_or_none",
    "validate_ok_for_replace",
    "validate_ok_for_update",
    "validate_positive_float",
    "validate_positive_float_or_zero",
    "validate_positive_integer",
    "validate_read_preference",
    "validate_read_preference_mode",
    "validate_read_preference_tags",
    "validate_readable",
    "validate_server_api_or_none",
    "validate_server_monitoring_mode",
    "validate_string",
    "validate_string_or_none",
    "validate_timeout_or_none",
    "validate_timeout_or_none_or_zero",
    "validate_timeout_or_zero",
    "validate_timeoutms",
    "validate_type_registry",
    "validate_tzinfo",
    "validate_unicode_decode_error_handler",
    "validate_uuid_representation",
    "validate_zlib_compression_level",
]

#: The oldest releases that the driver works with of packages it can do without.
_OLDEST = {"dnspython": "2.7", "pymongocrypt": "1.19"}


def check_for_min_version(package_name: str) -> tuple[str, str, bool]:
    """Return a package's version, the oldest one that will do, and whether it will.

    Of a package that is used in any version the second is its own.

    :raises importlib.metadata.PackageNotFoundError: if it is not installed.
    """
    from importlib.metadata import version

    found = version(package_name)
    needed = _OLDEST.get(package_name, found)
    return found, needed, Version.from_string(found) >= Version.from_string(needed)


# Names that applications may know, with the values they have there; nothing here uses them.
EVENTS_QUEUE_FREQUENCY = 1
MAX_IDLE_TIME_MS = None
MAX_WIRE_VERSION = 0
MIN_SRV_RESCAN_INTERVAL = 60
MIN_WIRE_VERSION = 0
MONGOS_EXHAUST_WIRE_VERSION = 22
ORDERED_TYPES: Sequence[type] = (SON, OrderedDict)

COMMAND_NOT_FOUND_CODES: Sequence[int] = (59,)
UNAUTHORIZED_CODES: Sequence[int] = (13, 16547, 16548)

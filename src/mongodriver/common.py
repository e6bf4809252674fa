"""Defaults, limits and checks of options, under the names applications know them by."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from bsonx import has_c
from bsonx.codec_options import CodecOptions
from bsonx.son import SON
from mongodriver.read_concern import ReadConcern
from mongodriver.read_preferences import _ServerMode
from mongodriver.spec.address import clean_node, partition_node
from mongodriver.spec.compression import validate_compressors
from mongodriver.spec.limits import (
    CONNECT_TIMEOUT,
    ENABLE_OVERLOAD_RETARGETING,
    EVENTS_QUEUE_FREQUENCY,
    HEARTBEAT_FREQUENCY,
    KILL_CURSOR_FREQUENCY,
    LOCAL_THRESHOLD_MS,
    MAX_ADAPTIVE_RETRIES,
    MAX_BSON_SIZE,
    MAX_CONNECTING,
    MAX_IDLE_TIME_MS,
    MAX_IDLE_TIME_SEC,
    MAX_MESSAGE_SIZE,
    MAX_POOL_SIZE,
    MAX_SUPPORTED_WIRE_VERSION,
    MAX_WIRE_VERSION,
    MAX_WRITE_BATCH_SIZE,
    MIN_HEARTBEAT_INTERVAL,
    MIN_POOL_SIZE,
    MIN_SRV_RESCAN_INTERVAL,
    MIN_SUPPORTED_SERVER_VERSION,
    MIN_SUPPORTED_WIRE_VERSION,
    MIN_WIRE_VERSION,
    MONGOS_EXHAUST_WIRE_VERSION,
    RETRY_READS,
    RETRY_WRITES,
    SERVER_MONITORING_MODE,
    SERVER_SELECTION_TIMEOUT,
    SRV_SERVICE_NAME,
    WAIT_QUEUE_TIMEOUT,
)
from mongodriver.spec.limits import MAX_END_SESSIONS as _MAX_END_SESSIONS
from mongodriver.spec.options import (
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
from mongodriver.spec.options import CaseInsensitiveDict as _CaseInsensitiveDictionary
from mongodriver.spec.validators import (
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
from mongodriver.write_concern import WriteConcern, validate_boolean

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

ORDERED_TYPES: Sequence[type] = (SON, OrderedDict)

COMMAND_NOT_FOUND_CODES: Sequence[int] = (59,)
UNAUTHORIZED_CODES: Sequence[int] = (13, 16547, 16548)


class BaseObject:
    """Options that are handed down from client to database to collection."""

    def __init__(
        self,
        codec_options: CodecOptions[Any],
        read_preference: _ServerMode,
        write_concern: WriteConcern,
        read_concern: ReadConcern,
    ) -> None:
        if not isinstance(codec_options, CodecOptions):
            raise TypeError("codec_options must be an instance of bson.codec_options.CodecOptions")
        if not isinstance(read_preference, _ServerMode):
            raise TypeError(
                f"{read_preference!r} is not valid for read_preference. See "
                "pymongo.read_preferences for valid options."
            )
        if not isinstance(write_concern, WriteConcern):
            raise TypeError(
                "write_concern must be an instance of pymongo.write_concern.WriteConcern, "
                f"not {type(write_concern)}"
            )
        if not isinstance(read_concern, ReadConcern):
            raise TypeError(
                "read_concern must be an instance of pymongo.read_concern.ReadConcern, "
                f"not {type(read_concern)}"
            )
        self._codec_options = codec_options
        self._read_preference = read_preference
        self._write_concern = write_concern
        self._read_concern = read_concern

    @property
    def codec_options(self) -> CodecOptions[Any]:
        """How documents are encoded and decoded."""
        return self._codec_options

    @property
    def write_concern(self) -> WriteConcern:
        """How writes are acknowledged."""
        return self._write_concern

    @property
    def read_preference(self) -> _ServerMode:
        """Which members answer reads."""
        return self._read_preference

    @property
    def read_concern(self) -> ReadConcern:
        """What reads may see."""
        return self._read_concern


class Version(tuple[int, ...]):
    """A version of at least four numbers, the last -1 for whatever precedes a release."""

    def __new__(cls, *version: int) -> Version:
        return super().__new__(cls, (*version, *[0] * (4 - len(version))))

    @classmethod
    def from_string(cls, version_string: str) -> Version:
        """Parse "1.2.3", "1.2.3-rc1", "1.2+", "1.2.3.dev0"; ValueError for anything else."""
        text, modifier, bump = version_string, 0, False
        if text.endswith("+"):
            text, modifier = text[:-1], 1
        elif text.endswith("-pre-"):
            text, modifier = text[: -len("-pre-")], -1
        elif text.endswith("-"):
            text, modifier = text[:-1], -1
        if "-" in text:
            text, suffix = text.split("-", 1)
            modifier, bump = -1, not suffix.startswith("rc")
        for mark in ("b", "rc"):
            head, found, _ = text.rpartition(mark)
            if found and head.endswith("."):
                text, modifier = head[:-1], -1
        head, found, _ = text.partition(".dev")
        if found:
            text, modifier = head, -1
        numbers = [int(part) for part in text.split(".")]
        if bump:
            numbers[-1] += 1
        return cls(*numbers, *[0] * (3 - len(numbers)), modifier)

    @classmethod
    def from_version_array(cls, version_array: Any) -> Version:
        """Convert a server's `versionArray`."""
        numbers = list(version_array)
        if len(numbers) > 3 and numbers[-1] < 0:
            numbers[-1] = -1
        return cls(*numbers)

    def at_least(self, *other_version: Any) -> bool:
        """Return whether this version is the other one or newer."""
        return self >= Version(*other_version)

    def __str__(self) -> str:
        return ".".join(map(str, self))

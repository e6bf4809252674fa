"""The unified test format, and the versions of it that the runner knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .failures import Unsupported
from .schema import (
    Malformed,
    Shape,
    anything,
    boolean,
    document,
    either,
    fields,
    integer,
    matching,
    named,
    one_of,
    some,
    string,
    values_of,
)

#: The newest version of the format that is known.
NEWEST = (1, 28)

_version = matching(r"[0-9]+(\.[0-9]+){1,2}")

_requirement = fields(
    least=1,
    minServerVersion=_version,
    maxServerVersion=_version,
    topologies=some(
        one_of("single", "replicaset", "sharded", "sharded-replicaset", "load-balanced")
    ),
    serverless=one_of("require", "forbid", "allow"),
    serverParameters=document,
    auth=boolean,
    authMechanism=string,
    csfle=either(boolean, fields(least=1, minLibmongocryptVersion=_version)),
)

# -- entities --

_secret = either(string, fields({"$$placeholder": anything}))
_kms_providers = named(
    aws=fields(accessKeyId=_secret, secretAccessKey=_secret, sessionToken=_secret),
    azure=either(
        fields(
            tenantId=_secret,
            clientId=_secret,
            clientSecret=_secret,
            identityPlatformEndpoint=_secret,
        ),
        fields({"accessToken": _secret}),
    ),
    gcp=either(
        fields(email=_secret, privateKey=_secret, endpoint=_secret),
        fields({"accessToken": _secret}),
    ),
    kmip=fields(endpoint=_secret),
    local=fields(key=either(_secret, anything)),
)
#: Fields of expected events, by kind and type of event.
_served = {"hasServiceId": boolean, "hasServerConnectionId": boolean}
_command = {"commandName": string, "databaseName": string, **_served}
_server = fields(
    type=one_of(
        "Standalone",
        "Mongos",
        "PossiblePrimary",
        "RSPrimary",
        "RSSecondary",
        "RSOther",
        "RSArbiter",
        "RSGhost",
        "LoadBalancer",
        "Unknown",
    )
)
_topology = fields(
    type=one_of(
        "Single",
        "Unknown",
        "ReplicaSetNoPrimary",
        "ReplicaSetWithPrimary",
        "Sharded",
        "LoadBalanced",
    )
)
_nothing = fields()
EVENTS: dict[str, dict[str, Shape]] = {
    "command": {
        "commandStartedEvent": fields(command=document, **_command),
        "commandSucceededEvent": fields(reply=document, **_command),
        "commandFailedEvent": fields(**_command),
    },
    "cmap": {
        "poolCreatedEvent": _nothing,
        "poolReadyEvent": _nothing,
        "poolClearedEvent": fields(hasServiceId=boolean, interruptInUseConnections=boolean),
        "poolClosedEvent": _nothing,
        "connectionCreatedEvent": _nothing,
        "connectionReadyEvent": _nothing,
        "connectionClosedEvent": fields(reason=string),
        "connectionCheckOutStartedEvent": _nothing,
        "connectionCheckOutFailedEvent": fields(reason=string),
        "connectionCheckedOutEvent": _nothing,
        "connectionCheckedInEvent": _nothing,
    },
    "sdam": {
        "serverDescriptionChangedEvent": fields(
            previousDescription=_server, newDescription=_server
        ),
        "topologyDescriptionChangedEvent": fields(
            previousDescription=_topology, newDescription=_topology
        ),
        "serverHeartbeatStartedEvent": fields(awaited=boolean),
        "serverHeartbeatSucceededEvent": fields(awaited=boolean),
        "serverHeartbeatFailedEvent": fields(awaited=boolean),
        "topologyOpeningEvent": _nothing,
        "topologyClosedEvent": _nothing,
    },
}
#: Which kind each type of event is of.
KIND_OF_EVENT = {name: kind for kind, names in EVENTS.items() for name in names}

LEVELS = (
    "emergency",
    "alert",
    "critical",
    "error",
    "warning",
    "notice",
    "info",
    "debug",
    "trace",
)
COMPONENTS = ("command", "topology", "serverSelection", "connection")
_level = one_of(*LEVELS)

_options = fields(
    readConcern=document, readPreference=document, writeConcern=document, timeoutMS=integer
)
_stored = fields({"id": string, "events": some(string)})
_client = fields(
    {"id": string},
    uriOptions=document,
    useMultipleMongoses=boolean,
    observeEvents=some(one_of(*KIND_OF_EVENT)),
    ignoreCommandMonitoringEvents=some(string),
    storeEventsAsEntities=some(_stored),
    observeLogMessages=fields(least=1, **dict.fromkeys(COMPONENTS, _level)),
    observeTracingMessages=fields(enableCommandPayload=boolean),
    serverApi=fields({"version": string}, strict=boolean, deprecationErrors=boolean),
    observeSensitiveCommands=boolean,
    autoEncryptOpts=fields(
        {"keyVaultNamespace": string, "kmsProviders": _kms_providers},
        bypassAutoEncryption=boolean,
        schemaMap=values_of(document),
        extraOptions=document,
        encryptedFieldsMap=values_of(document),
        bypassQueryAnalysis=boolean,
        keyExpirationMS=integer,
    ),
    awaitMinPoolSizeMS=integer,
)
_encryption = fields(
    {"keyVaultClient": string, "keyVaultNamespace": string, "kmsProviders": _kms_providers},
    keyExpirationMS=integer,
)
entity = fields(
    least=1,
    most=1,
    client=_client,
    clientEncryption=fields({"id": string, "clientEncryptionOpts": _encryption}),
    database=fields(
        {"id": string, "client": string, "databaseName": string}, databaseOptions=_options
    ),
    collection=fields(
        {"id": string, "database": string, "collectionName": string}, collectionOptions=_options
    ),
    session=fields({"id": string, "client": string}, sessionOptions=document),
    bucket=fields({"id": string, "database": string}, bucketOptions=document),
    thread=fields({"id": string}),
)

# -- what is done and expected --

_error = fields(
    least=1,
    isError=one_of(True),
    isClientError=boolean,
    isTimeoutError=boolean,
    errorContains=string,
    errorCode=integer,
    errorCodeName=string,
    errorLabelsContain=some(string),
    errorLabelsOmit=some(string),
    writeErrors=document,
    writeConcernErrors=some(document, 0),
    errorResponse=document,
    expectResult=anything,
)
_operation = fields(
    {"name": string, "object": string},
    arguments=document,
    ignoreResultAndError=boolean,
    expectError=_error,
    expectResult=anything,
    saveResultAsEntity=string,
)
_EXCLUSIVE = [
    {"expectError", "expectResult"},
    {"expectError", "saveResultAsEntity"},
    {"ignoreResultAndError", "expectResult"},
    {"ignoreResultAndError", "expectError"},
    {"ignoreResultAndError", "saveResultAsEntity"},
]


def operation(value: Any, place: str) -> None:
    """An operation."""
    _operation(value, place)
    for names in _EXCLUSIVE:
        if names <= set(value):
            raise Malformed(f"{place} has {' and '.join(sorted(names))}")


def event(value: Any, place: str) -> None:
    """An expected event of any kind."""
    every = {name: shape for kind in EVENTS.values() for name, shape in kind.items()}
    fields(least=1, most=1, **every)(value, place)


def _client_events(value: Any, place: str) -> None:
    fields(
        {"client": string, "events": some(anything, 0)},
        eventType=one_of(*EVENTS),
        ignoreExtraEvents=boolean,
    )(value, place)
    shapes = EVENTS[value.get("eventType", "command")]
    some(fields(least=1, most=1, **shapes), 0)(value["events"], f"{place}.events")


_message = fields(
    {"level": _level, "component": one_of(*COMPONENTS), "data": document},
    failureIsRedacted=boolean,
)
_client_messages = fields(
    {"client": string, "messages": some(_message, 0)},
    ignoreExtraMessages=boolean,
    ignoreMessages=some(_message, 0),
)


def _span(value: Any, place: str) -> None:
    fields({"name": string, "attributes": document}, nested=some(_span))(value, place)


_client_spans = fields({"client": string, "spans": some(_span)}, ignoreExtraSpans=boolean)


def _create_options(value: Any, place: str) -> None:
    document(value, place)
    if "writeConcern" in value:
        raise Malformed(f"{place}.writeConcern is no option here")


_data = fields(
    {"collectionName": string, "databaseName": string, "documents": some(document, 0)},
    createOptions=_create_options,
)
_test = fields(
    {"description": string, "operations": some(operation, 0)},
    runOnRequirements=some(_requirement),
    skipReason=string,
    expectEvents=some(_client_events),
    expectLogMessages=some(_client_messages),
    expectTracingMessages=some(_client_spans),
    outcome=some(_data),
)
_file = fields(
    {"description": string, "schemaVersion": _version, "tests": some(_test)},
    runOnRequirements=some(_requirement),
    createEntities=some(entity),
    initialData=some(_data),
    _yamlAnchors=document,
)


def check_version(version: str) -> None:
    """Refuse versions of the format that are not known (specification: Test Runner Support)."""
    major, minor, *_ = map(int, version.split("."))
    if major != NEWEST[0] or minor > NEWEST[1]:
        raise Unsupported(f"schemaVersion {version}")


def check_file(content: Mapping[str, Any]) -> None:
    """Refuse what is not of the format, or is of a version of it that is not known.

    :raises Malformed: names the place.
    """
    _file(content, "file")
    check_version(content["schemaVersion"])

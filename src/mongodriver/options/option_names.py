"""The names of options as the uri-options specification spells them."""

from __future__ import annotations

__all__ = ["URI_OPTIONS", "canonical_name"]

#: The options of the uri-options specification that stand in connection strings, as it spells them.
URI_OPTIONS = frozenset(
    {
        *("appname", "authMechanism", "authMechanismProperties", "authSource", "compressors"),
        *("connectTimeoutMS", "directConnection", "heartbeatFrequencyMS", "journal"),
        *("loadBalanced", "localThresholdMS", "maxConnecting", "maxIdleTimeMS", "maxPoolSize"),
        *("maxStalenessSeconds", "minPoolSize", "proxyHost", "proxyPassword", "proxyPort"),
        *("proxyUsername", "readConcernLevel", "readPreference", "readPreferenceTags"),
        *("replicaSet", "retryReads", "retryWrites", "serverMonitoringMode"),
        *("serverSelectionTimeoutMS", "serverSelectionTryOnce", "socketTimeoutMS"),
        *("srvAllowedHostsSuffix", "srvMaxHosts", "srvServiceName", "ssl", "tls"),
        *("tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames", "tlsCAFile"),
        *("tlsCertificateKeyFile", "tlsCertificateKeyFilePassword"),
        *("tlsDisableCertificateRevocationCheck", "tlsDisableOCSPEndpointCheck", "tlsInsecure"),
        *("w", "wTimeoutMS", "waitQueueTimeoutMS", "zlibCompressionLevel"),
    }
)
_CANONICAL = {name.lower(): name for name in URI_OPTIONS}


def canonical_name(option: str) -> str:
    """Return an option's name as the specification spells it; others in lower case."""
    name = option.lower()
    return _CANONICAL.get(name, name)

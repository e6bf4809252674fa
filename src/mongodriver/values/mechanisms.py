"""The names of the authentication mechanisms (authentication specification)."""

__all__ = ["MECHANISMS"]

MECHANISMS = frozenset(
    {
        "DEFAULT",
        "GSSAPI",
        "MONGODB-AWS",
        "MONGODB-OIDC",
        "MONGODB-X509",
        "PLAIN",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256",
    }
)

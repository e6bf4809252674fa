"""MONGODB-OIDC under the name that PyMongo has it here; see `mongodriver.auth_oidc`."""

from __future__ import annotations

from mongodriver.auth.oidc import (
    CALLBACK_VERSION,
    HUMAN_CALLBACK_TIMEOUT_SECONDS,
    MACHINE_CALLBACK_TIMEOUT_SECONDS,
    TIME_BETWEEN_CALLS_SECONDS,
    OIDCCallback,
    OIDCCallbackContext,
    OIDCCallbackResult,
    OIDCIdPInfo,
)

__all__ = [
    "CALLBACK_VERSION",
    "HUMAN_CALLBACK_TIMEOUT_SECONDS",
    "MACHINE_CALLBACK_TIMEOUT_SECONDS",
    "TIME_BETWEEN_CALLS_SECONDS",
    "OIDCCallback",
    "OIDCCallbackContext",
    "OIDCCallbackResult",
    "OIDCIdPInfo",
]

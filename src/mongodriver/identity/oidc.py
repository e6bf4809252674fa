"""Access tokens of the surroundings: MONGODB-OIDC's built-in environments.

Each is a callback like a user's. They keep nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlencode

from ..auth.credentials import OIDCProperties
from ..auth.oidc import OIDCCallback, OIDCCallbackContext, OIDCCallbackResult
from ..values.errors import ConfigurationError, OperationFailure
from .http import fetch, fetch_json

#: Where the services are.
AZURE = "http://169.254.169.254"
GCP = "http://metadata"
#: Where Kubernetes puts a pod's token.
KUBERNETES_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"

_AZURE_PATH = "/metadata/identity/oauth2/token"
_GCP_PATH = "/computeMetadata/v1/instance/service-accounts/default/identity"
_WHAT = "An access token"


class _Azure(OIDCCallback):
    """The metadata service of Azure's machines."""

    def __init__(self, resource: str) -> None:
        self._resource = resource

    def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:
        query = {"api-version": "2018-02-01", "resource": self._resource}
        if context.username:
            query["client_id"] = context.username
        headers = {"Accept": "application/json", "Metadata": "true"}
        url = f"{AZURE}{_AZURE_PATH}?{urlencode(query)}"
        answer = fetch_json(_WHAT, url, headers, context.timeout_seconds)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise OperationFailure(f"{_WHAT} cannot be had: the answer has no access_token")
        return OIDCCallbackResult(token, _seconds(answer.get("expires_in")))


def _seconds(value: object) -> float | None:
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return seconds if seconds >= 0 else None


class _Gcp(OIDCCallback):
    """The metadata service of Google's machines."""

    def __init__(self, resource: str) -> None:
        self._resource = resource

    def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:
        url = f"{GCP}{_GCP_PATH}?{urlencode({'audience': self._resource})}"
        headers = {"Metadata-Flavor": "Google"}
        return OIDCCallbackResult(fetch(_WHAT, url, headers, context.timeout_seconds).strip())


class _Kubernetes(OIDCCallback):
    """The token of a pod's service account."""

    def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:
        for name in ("AZURE_FEDERATED_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
            if name in os.environ:
                return _of_file(os.environ[name])
        return _of_file(KUBERNETES_TOKEN)


class _Test(OIDCCallback):
    """A file that tests name."""

    def fetch(self, context: OIDCCallbackContext) -> OIDCCallbackResult:
        path = os.environ.get("OIDC_TOKEN_FILE")
        if not path:
            raise ConfigurationError("the environment variable OIDC_TOKEN_FILE is not set")
        return _of_file(path)


def _of_file(path: str) -> OIDCCallbackResult:
    try:
        return OIDCCallbackResult(Path(path).read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as exc:
        raise OperationFailure(f"{_WHAT} cannot be had: {exc}") from exc


def environment_callback(properties: OIDCProperties) -> OIDCCallback:
    """What fetches tokens in the environment that a client names."""
    if properties.environment == "azure":
        return _Azure(properties.token_resource)
    if properties.environment == "gcp":
        return _Gcp(properties.token_resource)
    return _Kubernetes() if properties.environment == "k8s" else _Test()

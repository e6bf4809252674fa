"""The options of connections and their pools."""

import os

from mongodriver.options.client_metadata import container_info
from mongodriver.options.pool_options import (
    PoolOptions,
)

__all__ = [
    "DOCKER_ENV_PATH",
    "ENV_VAR_K8S",
    "ORCHESTRATOR_NAME_K8S",
    "RUNTIME_NAME_DOCKER",
    "PoolOptions",
    "get_container_env_info",
]

#: What tells a process that it runs in a container, and what servers are told of it.
DOCKER_ENV_PATH = "/.dockerenv"
ENV_VAR_K8S = "KUBERNETES_SERVICE_HOST"
ORCHESTRATOR_NAME_K8S = "kubernetes"
RUNTIME_NAME_DOCKER = "docker"


def get_container_env_info() -> dict[str, str]:
    """Return the container's runtime and orchestrator, as far as this process is in any."""
    return container_info(os.environ, os.path.exists(DOCKER_ENV_PATH))

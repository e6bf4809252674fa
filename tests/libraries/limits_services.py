"""What limits's tests ask Docker for, where the servers run already: a plugin of pytest."""

import pytest


class Services:
    """Services that need no start."""

    def start(self, *names):
        """Do nothing."""

    def wait_for_service(self, name, port, check, **options):
        """Do nothing."""


@pytest.fixture(scope="session")
def docker_services():
    """Stand for the fixture of lovely-pytest-docker."""
    return Services()

"""Settings of django-mongodb-backend's tests, with a report that suites.py reads."""

import os

from mongodb_settings import *  # noqa: F403

TEST_RUNNER = "xmlrunner.extra.djangotestrunner.XMLTestRunner"
TEST_OUTPUT_FILE_NAME = os.environ["REPORT"]

"""Settings of django-mongodb-backend's tests, with a report that suites.py reads.

Django's own applications have keys that are integers, which the server does not make: its backend's
authors test on a fork of Django where they are ids of documents, and so does this.
"""

import os

from django.apps import AppConfig
from mongodb_settings import *  # noqa: F403

TEST_RUNNER = "django_xml_runner.Runner"
TEST_OUTPUT_FILE_NAME = os.environ["REPORT"]

_create = AppConfig.create.__func__


def _with_keys_of_mongodb(cls, entry):
    config = _create(cls, entry)
    config.default_auto_field = "django_mongodb_backend.fields.ObjectIdAutoField"
    return config


AppConfig.create = classmethod(_with_keys_of_mongodb)

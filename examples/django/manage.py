#!/usr/bin/env python
"""A library: Django with its MongoDB backend.

    python -m mongodriver local --replica-set rs0 -- sh -c \
        'cd examples/django && python manage.py migrate && python manage.py runserver'

`library/__init__.py` gives the backend this driver.
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "library.settings")
    execute_from_command_line(sys.argv)

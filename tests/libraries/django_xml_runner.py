"""The runner of django-mongodb-backend's tests; see django_xml_settings.py."""

from django.conf import settings
from xmlrunner.extra.djangotestrunner import XMLTestRunner


class Runner(XMLTestRunner):
    """Writes the report."""

    def setup_test_environment(self, **kwargs):
        """Let the one site of Django's own tests have an id that can be."""
        settings.SITE_ID = "000000000000000000000001"
        settings.SILENCED_SYSTEM_CHECKS = [*settings.SILENCED_SYSTEM_CHECKS, "sites.E101"]
        super().setup_test_environment(**kwargs)

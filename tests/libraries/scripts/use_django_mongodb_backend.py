"""django-mongodb-backend: models, queries, a transaction."""

import sys

import django
from django.conf import settings

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django_mongodb_backend",
            "HOST": sys.argv[1],
            "NAME": "use_django_mongodb_backend",
        }
    },
    DEFAULT_AUTO_FIELD="django_mongodb_backend.fields.ObjectIdAutoField",
    USE_TZ=True,
)
django.setup()

from django.db import IntegrityError, connection, models  # noqa: E402


class Writer(models.Model):
    name = models.CharField(max_length=50, unique=True)
    born = models.IntegerField()

    class Meta:
        app_label = "library"


database = connection.database
database.client.drop_database(database.name)
with connection.schema_editor() as editor:
    editor.create_model(Writer)
ada = Writer.objects.create(name="Ada", born=1815)
Writer.objects.bulk_create([Writer(name=f"w{n}", born=1900 + n) for n in range(50)])
assert Writer.objects.filter(born__gte=1940).count() == 10
assert Writer.objects.order_by("-born").values_list("name", flat=True)[0] == "w49"
Writer.objects.filter(pk=ada.pk).update(born=models.F("born") + 1)
ada.refresh_from_db()
assert ada.born == 1816
try:
    Writer.objects.create(name="Ada", born=1)
except IntegrityError:
    pass
else:
    raise AssertionError("not unique")
assert Writer.objects.aggregate(models.Max("born")) == {"born__max": 1949}
assert Writer.objects.filter(name__startswith="w").delete()[0] == 50
database.client.drop_database(database.name)
connection.close()
print("ok")

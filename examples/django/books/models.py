"""What is stored."""

from django.db import models
from django.utils import timezone
from django_mongodb_backend import transaction
from django_mongodb_backend.fields import ArrayField, EmbeddedModelField
from django_mongodb_backend.managers import MongoManager
from django_mongodb_backend.models import EmbeddedModel


class Publisher(EmbeddedModel):
    """A part of a book's document."""

    name = models.CharField(max_length=100)
    city = models.CharField(max_length=100, blank=True)


class Book(models.Model):
    """A title, and how many copies of it are in the shelf."""

    title = models.CharField(max_length=200, unique=True)
    authors = ArrayField(models.CharField(max_length=100))
    publisher = EmbeddedModelField(Publisher, null=True, blank=True)
    copies = models.PositiveIntegerField(default=1)

    objects = MongoManager()

    class Meta:
        indexes = [models.Index(fields=["authors"])]


class NoCopyLeft(Exception):
    """All of them are lent."""


class Loan(models.Model):
    """Who has a copy, since when."""

    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="loans")
    reader = models.CharField(max_length=100, db_index=True)
    since = models.DateTimeField(default=timezone.now)

    @classmethod
    def make(cls, book: Book, reader: str) -> "Loan":
        """Take a copy from the shelf and write it down, or neither.

        :raises NoCopyLeft: when there is none.
        """
        with transaction.atomic():
            left = Book.objects.filter(pk=book.pk, copies__gt=0)
            if not left.update(copies=models.F("copies") - 1):
                raise NoCopyLeft
            return cls.objects.create(book=book, reader=reader)

"""The library over HTTP, in JSON."""

import json
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from django.core.exceptions import BadRequest, ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .models import Book, Loan, NoCopyLeft, Publisher


def shown(book: Book) -> dict[str, Any]:
    """A book as JSON has it."""
    publisher = book.publisher and {"name": book.publisher.name, "city": book.publisher.city}
    return {
        "id": str(book.pk),
        "title": book.title,
        "authors": book.authors,
        "publisher": publisher,
        "copies": book.copies,
    }


def found(book_id: str) -> Book:
    """The book, or an answer that there is none."""
    try:
        return get_object_or_404(Book, pk=ObjectId(book_id))
    except InvalidId:
        raise Http404 from None


def sent(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that was sent."""
    try:
        value = json.loads(request.body)
    except ValueError:
        raise BadRequest from None
    if not isinstance(value, dict):
        raise BadRequest
    return value


def stored(title: str, authors: list[str], publisher: Any = None, copies: int = 1) -> Book:
    """Store a new book.

    :raises IntegrityError: when there is one with this title. The index knows; nobody looks before.
    """
    made = Book(title=title, authors=authors, copies=copies)
    made.publisher = publisher and Publisher(**publisher)
    made.full_clean(validate_unique=False)
    made.save(force_insert=True)
    return made


@require_http_methods(["GET", "POST"])
def books(request: HttpRequest) -> HttpResponse:
    """All books, those of an author or of a publisher's city; or a new one."""
    if request.method == "POST":
        try:
            return JsonResponse(shown(stored(**sent(request))), status=201)
        except IntegrityError:
            return JsonResponse({"error": "this title is there"}, status=409)
        except (TypeError, ValueError, ValidationError) as error:
            return JsonResponse({"error": str(error)}, status=400)
    wanted = Book.objects.order_by("title")
    if author := request.GET.get("author"):
        wanted = wanted.filter(authors__contains=[author])
    if city := request.GET.get("city"):
        wanted = wanted.filter(publisher__city=city)
    return JsonResponse({"books": [shown(book) for book in wanted]})


@require_GET
def one_book(request: HttpRequest, book_id: str) -> HttpResponse:
    """A book."""
    return JsonResponse(shown(found(book_id)))


@require_POST
def lend(request: HttpRequest, book_id: str) -> HttpResponse:
    """Give a copy to a reader."""
    try:
        reader = sent(request).get("reader")
        if not isinstance(reader, str) or not reader:
            raise BadRequest
        loan = Loan.make(found(book_id), reader)
    except NoCopyLeft:
        return JsonResponse({"error": "no copy is left"}, status=409)
    return JsonResponse({"id": str(loan.pk), "since": loan.since.isoformat()}, status=201)


@require_GET
def person(request: HttpRequest, reader: str) -> HttpResponse:
    """What a reader has."""
    loans = Loan.objects.filter(reader=reader).select_related("book").order_by("since")
    return JsonResponse({"books": [loan.book.title for loan in loans]})

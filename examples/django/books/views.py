"""The library over HTTP, in JSON."""

import json
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
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


@require_http_methods(["GET", "POST"])
def books(request: HttpRequest) -> HttpResponse:
    """All books, those of an author or of a publisher's city; or a new one."""
    if request.method == "POST":
        sent = json.loads(request.body)
        publisher = sent.pop("publisher", None)
        try:
            made = Book.objects.create(**sent, publisher=publisher and Publisher(**publisher))
        except IntegrityError:
            return JsonResponse({"error": "this title is there"}, status=409)
        return JsonResponse(shown(made), status=201)
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
        loan = Loan.make(found(book_id), json.loads(request.body)["reader"])
    except NoCopyLeft:
        return JsonResponse({"error": "no copy is left"}, status=409)
    return JsonResponse({"id": str(loan.pk), "since": loan.since.isoformat()}, status=201)


@require_GET
def person(request: HttpRequest, reader: str) -> HttpResponse:
    """What a reader has."""
    loans = Loan.objects.filter(reader=reader).select_related("book").order_by("since")
    return JsonResponse({"books": [loan.book.title for loan in loans]})

"""The paths of the project."""

from books import views
from django.urls import path

urlpatterns = [
    path("books", views.books),
    path("books/<str:book_id>", views.one_book),
    path("books/<str:book_id>/loans", views.lend),
    path("people/<str:reader>", views.person),
]

"""``python manage.py test``: in a database of their own, each in a transaction."""

from django.test import TestCase, TransactionTestCase

from .models import Book, Loan, NoCopyLeft, Publisher


class BookTests(TestCase):
    """What is asked of books."""

    def test_queries(self) -> None:
        """By elements of arrays and members of embedded documents."""
        Book.objects.create(
            title="Emma", authors=["Austen"], publisher=Publisher(name="Murray", city="London")
        )
        Book.objects.create(title="Faust", authors=["Goethe"])
        self.assertEqual(Book.objects.get(authors__contains=["Austen"]).title, "Emma")
        self.assertEqual(Book.objects.get(publisher__city="London").publisher.name, "Murray")
        self.assertEqual(
            self.client.get("/books?author=Goethe").json()["books"][0]["title"], "Faust"
        )

    def test_each_test_begins_with_nothing(self) -> None:
        """Whatever the others have stored."""
        self.assertEqual(Book.objects.count(), 0)


class LoanTests(TransactionTestCase):
    """What transactions are needed for."""

    def test_the_last_copy(self) -> None:
        """It is lent once."""
        book = Book.objects.create(title="Emma", authors=["Austen"])
        Loan.make(book, "ada")
        with self.assertRaises(NoCopyLeft):
            Loan.make(book, "bob")
        self.assertEqual([loan.reader for loan in book.loans.all()], ["ada"])

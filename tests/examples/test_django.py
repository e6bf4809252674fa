"""A project of Django with django-mongodb-backend, which is made for PyMongo."""

from __future__ import annotations

import importlib.util
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from services import EXAMPLES

pytest.importorskip("django", reason="`make examples` installs the frameworks")
httpx = pytest.importorskip("httpx", reason="`make examples` installs the frameworks")
MANAGE = str(EXAMPLES / "django" / "manage.py")
#: It leaves open the client that each thread has.
BACKEND = "django_mongodb_backend"
EMMA = {
    "title": "Emma",
    "authors": ["Jane Austen"],
    "publisher": {"name": "John Murray", "city": "London"},
    "copies": 2,
}
#: What is no book.
WRONG = [
    "{",
    "[1]",
    "{}",
    '{"title": "Faust"}',
    '{"title": "Faust", "authors": []}',
    '{"title": "Faust", "authors": "Goethe"}',
    '{"title": "Faust", "authors": ["Goethe"], "pages": 5}',
    '{"title": "Faust", "authors": ["Goethe"], "publisher": 5}',
    '{"title": "Faust", "authors": ["Goethe"], "publisher": {"town": "Jena"}}',
    '{"title": "Faust", "authors": ["Goethe"], "copies": -1}',
    '{"title": "Faust", "authors": ["Goethe"], "copies": "many"}',
    '{"title": "Faust", "authors": ["Goethe"], "copies": 99999999999999999999}',
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    # Importing the backend imports PyMongo, which is not to be here.
    pytest.mark.skipif(
        importlib.util.find_spec("django_mongodb_backend") is None,
        reason="`make examples` installs the frameworks",
    ),
]


@pytest.fixture
def manage(start):
    """Runs a command of the project to its end; what it has said."""

    def run(*arguments):
        service = start(MANAGE, *arguments)
        assert service.wait() == 0, service.said
        service.assert_content(BACKEND)
        return service.said

    return run


@pytest.fixture
def browse():
    """Makes an HTTP client."""
    browsers = []

    def begin(address):
        browsers.append(httpx.Client(base_url=address, timeout=60))
        return browsers[-1]

    yield begin
    for browser in browsers:
        browser.close()


def test_its_own_tests(manage):
    assert re.search(r"Ran 3 tests in .*\n\nOK\n", manage("test", "books"))


def test_migrations(manage, client):
    assert "No changes detected" in manage("makemigrations", "--check")
    assert "books.0001_initial... OK" in manage("migrate")
    assert {"books_book", "books_loan"} <= {*client.library.list_collection_names()}
    assert "No migrations to apply" in manage("migrate")
    unique = [k for k in client.library.books_book.list_indexes() if k.get("unique")]
    assert [[*index["key"]] for index in unique] == [["title"]]
    manage("migrate", "books", "zero")
    assert "books_book" not in client.library.list_collection_names()


@pytest.mark.parametrize("options", [[], ["--noreload"]])
def test_the_development_server(manage, start, browse, client, options):
    manage("migrate")
    service = start(MANAGE, "runserver", "127.0.0.1:0", *options)
    address = service.hear(r"http://[\d.:]+")[0]
    browser = browse(address)
    made = browser.post("/books", json=EMMA)
    assert made.status_code == 201
    book = made.json()
    assert {**book, "id": None} == {**EMMA, "id": None}
    assert browser.post("/books", json=EMMA).status_code == 409
    for wrong in WRONG:
        assert browser.post("/books", content=wrong).status_code == 400, wrong
    for wrong in ("{", "[]", "{}", '{"reader": 5}'):
        assert browser.post(f"/books/{book['id']}/loans", content=wrong).status_code == 400
    faust = browser.post("/books", json={"title": "Faust", "authors": ["Goethe"]})
    assert (faust.status_code, faust.json()["publisher"], faust.json()["copies"]) == (201, None, 1)
    assert [b["title"] for b in browser.get("/books").json()["books"]] == ["Emma", "Faust"]
    for query in ({"author": "Jane Austen"}, {"city": "London"}):
        assert browser.get("/books", params=query).json() == {"books": [book]}
    assert browser.get(f"/books/{book['id']}").json() == book
    for unknown in ("nonsense", "0" * 24):
        assert browser.get(f"/books/{unknown}").status_code == 404
    assert browser.post(f"/books/{book['id']}/loans", json={"reader": "ada"}).status_code == 201
    assert browser.get("/people/ada").json() == {"books": ["Emma"]}
    assert client.library.books_book.find_one({"title": "Emma"})["copies"] == 1
    service.interrupt()
    service.assert_content(BACKEND)


@pytest.mark.parametrize("worker_class", ["sync", "gthread"])
def test_under_gunicorn(manage, start, browse, tmp_path, client, worker_class):
    """With the project loaded before the fork; and more readers than copies."""
    pytest.importorskip("gunicorn", reason="`make examples` installs the frameworks")
    manage("migrate")
    options = ["--bind", "127.0.0.1:0", "--workers", "2", "--preload", "--threads", "2"]
    options += ["--worker-class", worker_class, "--pythonpath", str(EXAMPLES / "django")]
    service = start("-m", "gunicorn", *options, "library.wsgi", HOME=str(tmp_path))
    service.hear("Booting worker", 2)
    address = service.hear(r"Listening at: (http://[\d.:]+)")[1]
    path = f"/books/{browse(address).post('/books', json=EMMA).json()['id']}/loans"

    def lend(number):
        return browse(address).post(path, json={"reader": f"reader {number}"}).status_code

    with ThreadPoolExecutor(6) as threads:
        codes = [*threads.map(lend, range(6))]
    assert codes.count(201) == client.library.books_loan.count_documents({}) == 2
    assert client.library.books_book.find_one()["copies"] == 0
    assert service.end() == 0
    service.assert_content(BACKEND)

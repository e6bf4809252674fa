"""Clients, databases, collections and cursors, however the program gets at them."""

from __future__ import annotations

import textwrap

import pytest

from .checking import PREAMBLE, check

LINES = PREAMBLE.count("\n")


def found(folder, program):
    findings = check(folder, PREAMBLE + textwrap.dedent(program))
    return [f"{f.line - LINES} {f.message.removesuffix(' is gone in PyMongo 4')}" for f in findings]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("coll.insert({})", "Collection.insert"),
        ("db['orders'].insert({})", "Collection.insert"),
        ("client['shop']['orders'].save({})", "Collection.save"),
        ("coll.archive.remove()", "Collection.remove"),
        ("coll.find({}).sort('a').limit(3).count()", "Cursor.count"),
        ("coll.find()[2:5].count()", "Cursor.count"),
        ("coll.with_options().database.collection_names()", "Database.collection_names"),
        (
            ("client.get_database('a').get_collection('b').ensure_index('c')"),
            "Collection.ensure_index",
        ),
        ("db.client.database_names()", "MongoClient.database_names"),
        ("run_in_executor(None, coll.insert, {})", "Collection.insert"),
        (
            "print(client.max_pool_size)",
            ("MongoClient.max_pool_size is gone in PyMongo 4, and is a database now"),
        ),
        ("with MongoClient() as c:\n    c.a.b.insert({})", "Collection.insert"),
        ("for c in (db.a, db.b):\n    c.insert({})", "Collection.insert"),
        ("[c.count() for c in [db.a, db.b]]", "Collection.count"),
        ("a, b = db.a, db.b\nb.insert({})", "Collection.insert"),
        ("if (c := db.a) is not None:\n    c.insert({})", "Collection.insert"),
        ("for c in sorted([db.a, db.b], key=f):\n    c.insert({})", "Collection.insert"),
        ("parser.parse(coll.insert)", "Collection.insert"),
        ("coll.find().count().parse(1)", "Cursor.count"),
        ("getattr(db, 'orders').insert({})", "Collection.insert"),
        ("(db.a if f() else db.b).insert({})", "Collection.insert"),
        ("lambda: coll.insert({})", "Collection.insert"),
        ("def f():\n    global c\n    c = db.a\ndef g():\n    c.insert({})", "Collection.insert"),
        ("def f():\n    return db.a\nf().insert({})", "Collection.insert"),
        (
            (
                "def f(x) -> 'pymongo.collection.Collection | None':\n    return g(x)\n"
                "f(1).insert({})"
            ),
            "Collection.insert",
        ),
        ("def f(c: pymongo.collection.Collection[dict]):\n    c.insert({})", "Collection.insert"),
        (
            ("from typing import Optional\ndef f(c: Optional['MongoClient']):\n    c.fsync()"),
            "MongoClient.fsync",
        ),
        (
            ("def f(c):\n    if isinstance(c, pymongo.cursor.Cursor):\n        return c.count()"),
            "Cursor.count",
        ),
        ("def f(c):\n    assert isinstance(c, MongoClient)\n    c.unlock()", "MongoClient.unlock"),
        ("try:\n    c = db.a\nfinally:\n    c.insert({})", "Collection.insert"),
        (
            ("async def f():\n    await pymongo.AsyncMongoClient().a.b.count({})"),
            "AsyncCollection.count",
        ),
        ("pymongo.MongoReplicaSetClient", "pymongo.MongoReplicaSetClient"),
        ("from flask_pymongo import PyMongo\nPyMongo(f()).db.a.save({})", "FlaskCollection.save"),
        ("from flask_pymongo import PyMongo\nPyMongo(f()).cx.fsync()", "FlaskMongoClient.fsync"),
        ("coll.find_on({})", "Collection has no method find_on"),
        ("coll.find().nosuch", "Cursor has no attribute nosuch"),
        ("coll._nosuch", "Collection._nosuch is private, and not here"),
        ("coll._database", "Collection._database is private; there is one here"),
        ("db.authenticate('a', 'b')", "Database.authenticate"),
        ("import gridfs\ngridfs.GridFS(db).get(1).md5", "GridOut.md5 is deprecated"),
        ("import typing\ntyping.cast('pymongo.database.Database', x()).eval('1')", "Database.eval"),
    ],
)
def test_an_object_is_followed(tmp_path, program, expected):
    assert [text.split(" ", 1)[1] for text in found(tmp_path, program)] == [expected]


def test_attributes_of_the_programs_own_objects(tmp_path):
    program = """\
        class Base:
            shared: pymongo.collection.Collection

            def __init__(self, client=None):
                self.client = client or MongoClient()
                self.made = None

            @property
            def orders(self):
                return self.client.shop.orders

            def use(self):
                self.orders.insert({})
                self.made.remove({})

        class Store(Base):
            def __init__(self, given):
                if given:
                    self.made = given
                else:
                    self.made = MongoClient()["a"]["b"]

            def use_more(self):
                self.shared.update({})
                self.made.update({})
                self.orders.archive.ensure_index("a")

        Store(None).made.insert({})
        """
    assert found(tmp_path, program) == [
        "13 Collection.insert",
        "24 Collection.update",
        "25 Collection.update",
        "26 Collection.ensure_index",
        "28 Collection.insert",
    ]


def test_subclasses(tmp_path):
    program = """\
        class Client(MongoClient):
            def names(self):
                self._mine = 1
                return self._mine, self._topology_is_not, self.database_names()

        Client().shop.orders.insert({})
        """
    assert found(tmp_path, program) == [
        "4 MongoClient._topology_is_not is private, and not here",
        "4 MongoClient.database_names",
        "6 Collection.insert",
    ]


def test_subclasses_that_make_attributes_up(tmp_path):
    program = """\
        class Base(MongoClient):
            def __getattr__(self, name):
                return f(name)

        class Client(Base):
            def use(self):
                self.anything(); self.database_names(); self._Client__missing
        """
    assert found(tmp_path, program) == ["7 MongoClient._Client__missing is private, and not here"]


def test_what_pytest_passes(tmp_path):
    program = """\
        import pytest
        @pytest.fixture
        def orders():
            with MongoClient() as c:
                yield c.shop.orders
        def test_it(orders, tmp_path):
            orders.insert({})
        def not_a_test(orders):
            orders.insert({})
        """
    assert found(tmp_path, program) == ["7 Collection.insert"]


@pytest.mark.parametrize(
    "program",
    [
        "[1, 2].count(1); 'a'.count('a'); (1,).count(1)",
        "x = [1]\nx.insert(0, 1); x.remove(1)\nd = {}; d.update(a=1)\nset().remove(1)",
        "class A(models.Model): pass\nA.objects.count(); A.objects.filter().update(); A().save()",
        "from sqlalchemy import insert\nsession.query(A).count(); session.group(1)",
        "def f(coll):\n    coll.insert({}); coll.count()",
        "import hashlib\nhashlib.md5().update(b'')",
        "db.count.find_one(); db.insert.update_one({}, {'$set': {}})",
        "db.system.profile.find(); coll.files.find(); client.error.system_js.find_one()",
        "db['count']; db.group; client.fsync",
        "result = coll.find()\nresult = list(result)\nresult.count(1)",
        "names = db.list_collection_names()\nnames.remove('a'); names.count('a')",
        "doc = coll.find_one()\ndoc.update(a=1)\ncoll.find_one().update({})",
        "for d in coll.find():\n    d.update(a=1)",
        "x = coll\nx = []\nx.count(1)",
        "x = []\nif f():\n    x = coll\nx.count(1)",
        "x = coll\nif f():\n    x = coll.find_one()\nx.count(1)",
        "x = coll\nif f():\n    x = list(coll.find())\nx.count(1)",
        "x = coll\nif f():\n    x = str(x)\nx.count(1)",
        "x = coll\nfor x in coll.find():\n    pass\nx.update(a=1)",
        "x = coll\nif f():\n    x = pymongo.UpdateOne({}, {})\nx.update(a=1)",
        "x = coll\nwhile f():\n    x.count(1)\n    x = []",
        (
            "class A:\n    def f(self):\n        self.x = coll\n"
            "        self.x = []\n        self.x.insert(0, 1)"
        ),
        "class A:\n    coll = db.a\nclass B:\n    def f(self):\n        self.coll.insert(1)",
        (
            "class A(Unknown, MongoClient):\n    def f(self):\n"
            "        self._whatever; self.database_names()"
        ),
        "class A(MongoClient):\n    def database_names(self): ...\nA().database_names()",
        (
            "class A:\n    def __init__(self, coll): self.coll = coll\n"
            "    def f(self): self.coll.insert(1)"
        ),
        "coll: list = f()\ncoll.count(1)",
        "def f(coll: list):\n    coll.count(1)",
        "from flask_pymongo import PyMongo\nPyMongo(f()).db.a.find_one_or_404({}, x=1)",
        "def f():\n    coll = []\n    coll.count(1)",
        "import gridfs\nf = gridfs.GridFS(db).get(1)\nf._id, f.anything, f.read()",
        "coll.find().explain(); coll.find().to_list()",
        "with client.start_session() as s:\n    s.start_transaction()\n    s.with_transaction(f)",
        "client.options.pool_options.max_pool_size; client.admin.command('ping')",
        "mock.patch.object(coll, 'insert'); hasattr(coll, 'insert')",
        "getattr(coll, 'insert', None); getattr(db, name).anything",
        "def f(**coll):\n    coll.update(a=1)\ndef g(*db):\n    db.count(1)",
        "try:\n    f()\nexcept E as coll:\n    coll.insert(1)",
        "import other as coll\ncoll.insert(1)",
        "del coll",
        "match f():\n    case coll:\n        coll.insert(1)",
    ],
)
def test_nothing_is_taken_for_what_it_is_not(tmp_path, program):
    assert found(tmp_path, program) == []


@pytest.mark.parametrize(
    "program",
    [
        "if coll: pass",
        "if not db: pass",
        "x = coll or f()",
        "assert coll",
        "while db and f(): pass",
        "x = 1 if coll else 2",
        "[x for x in y if coll]",
        "x = bool(coll)",
        "if bool(db): pass",
        "x = bool(coll and f())",
    ],
)
def test_truth(tmp_path, program):
    findings = check(tmp_path, PREAMBLE + program)
    assert [f"{f.severity} {f.code} {f.remedy}" for f in findings] == [
        "error truth compare it with None"
    ]


@pytest.mark.parametrize(
    "program",
    [
        "if client: pass",
        "if coll is None: pass",
        "if coll.find_one(): pass",
        "x = f() or coll",
        "bool(client)",
        "bool(f() or coll.find())",
    ],
)
def test_truth_of_others(tmp_path, program):
    assert found(tmp_path, program) == []

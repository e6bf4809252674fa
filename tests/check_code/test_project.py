"""Modules that import one another."""

from __future__ import annotations

import pytest

from mongodriver.check_code.project import Project


@pytest.fixture
def found(tmp_path):
    """What is found in each file of some, by their names."""

    def find(files, roots=()):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        project = Project(tmp_path / root for root in roots)
        return {
            name: [f"{f.line} {f.message}" for f in project.check(tmp_path / name)]
            for name in files
        }

    return find


DATABASE = "from pymongo import MongoClient\ndb = MongoClient().shop\n"
INSERT = "Collection.insert is gone in PyMongo 4"


def test_an_object_from_another_module(found):
    files = {
        "shop/__init__.py": "",
        "shop/database.py": DATABASE,
        "shop/a.py": "from .database import db\ndb.orders.insert({})",
        "shop/b.py": "from shop.database import db as d\nd.orders.insert({})",
        "shop/c.py": "from shop import database\ndatabase.db.orders.insert({})",
        "shop/d.py": "import shop.database as x\nx.db.orders.insert({})",
        "shop/e.py": "from .database import *\ndb.orders.insert({})",
        "shop/f.py": "from . import a\na.db.orders.insert({})",
        "shop/inner/__init__.py": "from ..database import db",
        "shop/inner/g.py": "from . import db\ndb.orders.insert({})",
        "shop/h.py": "from .elsewhere import db\ndb.orders.insert({})",
        "script.py": "from shop.a import db\ndb.orders.insert({})",
    }
    expected = {name: [f"2 {INSERT}"] for name in files if "insert" in files[name]}
    none = {name: [] for name in files}
    assert found(files) == {**none, **expected, "shop/h.py": []}


def test_functions_and_classes_from_another_module(found):
    files = {
        "stores.py": DATABASE
        + "def orders():\n    return db.orders\n"
        + "class Store:\n    def __init__(self):\n        self.orders = orders()\n",
        "use.py": "import stores\nfrom stores import Store, orders\n"
        "orders().insert({})\nStore().orders.insert({})\n"
        "class More(Store):\n    def f(self):\n        self.orders.insert({})\n",
    }
    assert found(files)["use.py"] == [f"3 {INSERT}", f"4 {INSERT}", f"7 {INSERT}"]


@pytest.mark.parametrize("first", ["a.py", "b.py"])
def test_modules_that_import_each_other(found, first):
    files = {
        "a.py": "import b\n" + DATABASE + "b.other.insert({})\n",
        "b.py": "import a\n" + DATABASE + "other = db.other\na.db.orders.insert({})\n",
    }
    names = [first, *({*files} - {first})]
    assert found({name: files[name] for name in names}) == {
        "a.py": [f"4 {INSERT}"],
        "b.py": [f"5 {INSERT}"],
    }


def test_whether_a_version_is_old_is_kept_in_another_module(found):
    files = {
        "support.py": "import pymongo\nOLD = pymongo.version_tuple < (4,)\n",
        "use.py": DATABASE + "import support\nif support.OLD:\n    db.a.insert({})\n",
    }
    assert found(files)["use.py"] == []


def test_a_module_that_is_no_python(found, tmp_path):
    (tmp_path / "old.py").write_text("print 1 # pymongo")
    files = {"use.py": "from old import db\n" + DATABASE + "db.a.insert({})\n"}
    assert found(files) == {"use.py": [f"4 {INSERT}"]}


def test_modules_below_the_folders_that_are_checked(found):
    files = {
        "shop/__init__.py": DATABASE,
        "src/store/__init__.py": DATABASE,
        "tests/test_it.py": "import shop, store\nshop.db.a.insert({})\nstore.db.a.insert({})\n",
    }
    assert found(files)["tests/test_it.py"] == []
    assert found(files, ["."])["tests/test_it.py"] == [f"2 {INSERT}", f"3 {INSERT}"]


def test_a_long_chain_of_imports(found):
    files = {f"m{n}.py": f"from m{n + 1} import db\n" for n in range(300)}
    files = {"use.py": "from m0 import db\ndb.a.insert({})\n", **files, "m300.py": DATABASE}
    assert found(files)["use.py"] == [f"2 {INSERT}"]


def test_a_ring_of_imports(found):
    files = {
        "a.py": "import b\nfrom c import db\n",
        "b.py": "import c\nfrom a import db\ndb.x.insert({})\n",
        "c.py": "import a\n" + DATABASE,
        "use.py": "from b import db\ndb.x.insert({})\n",
    }
    for names in (["a.py", "use.py", "b.py", "c.py"], ["use.py", "b.py", "c.py", "a.py"]):
        each = found({name: files[name] for name in names})
        assert each == {"a.py": [], "b.py": [f"3 {INSERT}"], "c.py": [], "use.py": [f"2 {INSERT}"]}

"""Under PyMongo's names: what is found, by whom, and that nothing of another PyMongo is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mongodriver import _version


def python(*arguments, cwd=None):
    """A finished process of Python, which knows the path that we know."""
    found = [entry for entry in sys.path if entry]
    program = f"import sys; sys.path[1:1] = {found!r}"
    assert arguments[0] == "-c"
    return subprocess.run(
        [sys.executable, "-c", f"{program}\n{arguments[1]}", *arguments[2:]],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
    )


def run(code: str) -> str:
    """Output of a program run in a fresh interpreter, where we are installed as PyMongo."""
    done = python("-c", f"import mongodriver\nmongodriver.install_as_pymongo()\n{code}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def started(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A program that `mongodriver run` has run."""
    code = "from mongodriver.__main__ import main\nsys.exit(main(['run', *sys.argv[1:]]))"
    return python("-c", code, *arguments, cwd=cwd)


def test_modules_are_the_same_objects():
    code = (
        "mongodriver.install_as_pymongo()\n"
        "import pymongo, pymongo.errors, bson, bson.objectid\n"
        "from pymongo.synchronous.collection import Collection\n"
        "from pymongo.collection import Collection as public\n"
        "from bson import json_util\n"
        "import mongodriver.errors, bsonx.objectid\n"
        "assert pymongo is mongodriver\n"
        "assert pymongo.errors is mongodriver.errors\n"
        "assert pymongo.errors.__spec__.name == 'mongodriver.errors'\n"
        "assert bson.ObjectId is bsonx.objectid.ObjectId\n"
        "assert Collection is public\n"
        "try:\n"
        "    import pymongo.nonsense\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error.name)"
    )
    assert run(code) == "pymongo.nonsense"


def test_gridfs():
    code = (
        "import gridfs, gridfs.errors, gridfs.grid_file, gridfs.grid_file_shared\n"
        "from gridfs.asynchronous.grid_file import AsyncGridFSBucket\n"
        "from gridfs.synchronous.grid_file import GridFSBucket\n"
        "import mongodriver.gridfs\n"
        "assert gridfs is mongodriver.gridfs\n"
        "assert gridfs.GridFSBucket is GridFSBucket is gridfs.grid_file.GridFSBucket\n"
        "assert gridfs.AsyncGridFSBucket is AsyncGridFSBucket\n"
        "assert gridfs.NoFile is gridfs.errors.NoFile\n"
        "from mongodriver.errors import PyMongoError\n"
        "print(gridfs.DEFAULT_CHUNK_SIZE, issubclass(gridfs.NoFile, PyMongoError))"
    )
    assert run(code) == "261120 True"


def test_parts_are_reached_through_their_packages_as_with_pymongo():
    code = (
        "import pymongo, bson\n"
        "print(pymongo.synchronous.collection.Collection.__name__, bson.json_util.dumps({}),\n"
        "      pymongo.asynchronous.cursor.AsyncCursor.__name__)"
    )
    assert run(code) == "Collection {} AsyncCursor"


def test_nothing_of_an_installed_pymongo_is_loaded():
    pytest.importorskip("pymongo")
    code = (
        "import importlib.util, sys\n"
        "import pymongo, bson, gridfs, pymongo.auth, bson.json_util, gridfs.grid_file\n"
        "pymongo.MongoClient, pymongo.AsyncMongoClient\n"
        "for name in ('bson._cbson', 'pymongo._cmessage', 'pymongo._csot', 'gridfs.x'):\n"
        "    assert importlib.util.find_spec(name) is None, name\n"
        "own = mongodriver.__file__.rpartition('mongodriver')[0]\n"
        "names = [n for n in sys.modules if n.split('.')[0] in ('pymongo', 'bson', 'gridfs')]\n"
        "print([n for n in names if not sys.modules[n].__file__.startswith(own)])"
    )
    assert run(code) == "[]"


#: Tells of the modules that are imported, as the agents' finders do, and patches a class.
AGENT = """
import importlib.util, sys
from importlib.abc import Loader
class Hooked(Loader):
    def __init__(self, loader):
        self.loader = loader
    def create_module(self, spec):
        return self.loader.create_module(spec)
    def exec_module(self, module):
        self.loader.exec_module(module)
        find_one = module.Collection.find_one
        print(module.__name__, find_one.__module__)
        module.Collection.find_one = lambda self, *args: ("patched", find_one.__name__)
class Hook:
    busy = False
    def find_spec(self, name, path=None, target=None):
        if name == "pymongo.synchronous.collection" and not self.busy:
            self.busy = True
            spec = importlib.util.find_spec(name)
            spec.loader = Hooked(spec.loader)
            return spec
sys.meta_path.insert(0, Hook())
"""


@pytest.mark.parametrize(
    "use",
    [
        "import pymongo; Client = pymongo.MongoClient",
        "from pymongo import MongoClient as Client",
        "import pymongo.mongo_client; Client = pymongo.mongo_client.MongoClient",
        "from mongodriver import MongoClient as Client; import pymongo",
    ],
)
def test_agents_get_to_see_the_modules_whose_classes_they_patch(use):
    code = f"{AGENT}{use}\nprint(Client(connect=False).d.t.find_one())"
    assert run(code).splitlines() == [
        "pymongo.synchronous.collection mongodriver.synchronous.collection",
        "('patched', 'find_one')",
    ]


def test_the_installed_version_is_that_of_the_api():
    code = (
        "from importlib.metadata import distributions, metadata, packages_distributions, version\n"
        "print(version('pymongo'), version('PyMongo'), metadata('pymongo')['Name'],\n"
        "      next(d.version for d in distributions() if d.name == 'pymongo'),\n"
        "      packages_distributions()['gridfs'][0])\n"
        "import pymongo\n"
        "print(pymongo.__version__, pymongo.version)"
    )
    api = _version.version
    assert run(code) == f"{api} {api} pymongo {api} pymongo\n{api} {api}"


#: What is kept in caches and queues. `repr` tells equal ones from others.
PICKLED = """[
    bson.ObjectId('0' * 24), bson.Int64(1), bson.SON([('a', bson.Regex('b'))]), bson.MinKey(),
    bson.Decimal128('1.5'), bson.DBRef('c', 1), bson.Timestamp(1, 2), bson.Binary(b'a', 5),
    bson.Code('a', {'b': 1}), bson.DatetimeMS(5), bson.CodecOptions(tz_aware=True),
    bson.tz_util.FixedOffset(60, 'x'), pymongo.errors.OperationFailure('x', 5, {'a': 1}),
    pymongo.errors.BulkWriteError({'writeErrors': []}), pymongo.ReadPreference.SECONDARY,
    pymongo.WriteConcern(1), pymongo.WriteConcern('majority', 5), pymongo.WriteConcern(0),
    pymongo.WriteConcern(), pymongo.read_concern.ReadConcern('majority'),
    pymongo.collation.Collation('en', strength=2), pymongo.UpdateOne({}, {'$set': {'a': 1}}),
    pymongo.IndexModel('a', unique=True), pymongo.results.InsertManyResult([1], True),
    pymongo.results.UpdateResult({'n': 1}, True), pymongo.server_api.ServerApi('1'),
    pymongo.results.BulkWriteResult({'nInserted': 1}, True),
    pymongo.client_session.TransactionOptions(pymongo.read_concern.ReadConcern('local')),
]"""
PACKAGES = "import bson, pymongo, pickle, re\nimport pymongo.collation, pymongo.results\n"


def test_pickles_of_pymongo_are_read():
    pytest.importorskip("pymongo")
    pickled = python("-c", f"{PACKAGES}print(pickle.dumps({PICKLED}).hex())")
    code = (
        f"{PACKAGES}values = {PICKLED}\n"
        f"read = pickle.loads(bytes.fromhex('{pickled.stdout.strip()}'))\n"
        "for a, b, c in zip(values, read, pickle.loads(pickle.dumps(values)), strict=True):\n"
        "    assert type(a) is type(b) is type(c), b\n"
        "    shown = {re.sub('0x[0-9a-f]+', '', repr(value)) for value in (a, b, c)}\n"
        "    assert len(shown) == 1, shown\n"
        "print(read[-1].read_concern, read[15].is_server_default, read[18].is_server_default,\n"
        "      read[17].acknowledged, read[12].details)"
    )
    assert run(code) == "ReadConcern(local) False True False {'a': 1}"


#: Imports modules in several threads at the same time.
IMPORTERS = """
import importlib, sys, threading
names = {names!r}
barrier = threading.Barrier(len(names))
wrong = []
def importer(name):
    barrier.wait()
    try:
        importlib.import_module(name)
    except BaseException as error:
        wrong.append((name, repr(error)))
sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=importer, args=(name,)) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize(
    "names",
    [
        ("pymongo.errors", "bson.objectid"),
        ("bson.objectid", "bson"),
        ("pymongo", "bson", "gridfs"),
        ("pymongo", "pymongo.collection", "pymongo.errors"),
    ],
)
def test_threads_that_import_parts_at_the_same_time(names):
    code = IMPORTERS.format(names=names)
    code += (
        "from mongodriver.compat.aliases import _alias_of\n"
        "own = {_alias_of(name, module): module for name, module in sys.modules.items()}\n"
        "print(wrong, [name for name in own if name and sys.modules.get(name) is not own[name]])"
    )
    assert run(code) == "[] []"


@pytest.mark.parametrize(
    "name", ["mongodriver.gridfs", "mongodriver.mongo_client", "mongodriver.errors"]
)
def test_threads_that_import_the_codec_and_what_needs_it(name):
    done = python("-c", IMPORTERS.format(names=("bsonx", name)) + "print(wrong)")
    assert done.stdout == "[]\n", done.stderr


def test_it_comes_too_late():
    pytest.importorskip("pymongo")
    done = python(
        "-c",
        "import bson, mongodriver\n"
        "try:\n"
        "    mongodriver.install_as_pymongo()\n"
        "except RuntimeError as error:\n"
        "    print(error)\n"
        "import pymongo\n"
        "assert pymongo is not mongodriver",
    )
    assert done.stdout.startswith("bson is already imported from "), done.stderr


def test_names_that_were_given_to_our_modules_by_hand():
    code = (
        "import sys, mongodriver, bsonx\n"
        "sys.modules['bson'] = bsonx\n"
        "mongodriver.install_as_pymongo()\n"
        "import bson.errors, pymongo.errors\n"
        "print(pymongo.errors.__file__)"
    )
    done = python("-c", code)
    assert "mongodriver" in done.stdout, done.stderr


def test_pytest_starts_when_warnings_are_errors(tmp_path):
    (tmp_path / "test_x.py").write_text("def test_x():\n    import pymongo.errors, gridfs\n")
    code = (
        "import pytest\n"
        "import mongodriver; mongodriver.install_as_pymongo()\n"
        "raise SystemExit(pytest.main(['-q', '-p', 'no:cacheprovider', '-W', 'error']))"
    )
    done = python("-c", code, cwd=tmp_path)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


SCRIPT = """
import multiprocessing, subprocess, sys
import pymongo, bson, gridfs
NAMES = [module.__spec__.name for module in (pymongo, bson, gridfs)]
def inner(_):
    import bson
    return bson.__spec__.name
if __name__ == "__main__":
    print(*sys.argv[1:], *NAMES)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(*pool.map(inner, [1]))
    code = "import gridfs; print(gridfs.__spec__.name)"
    print(subprocess.check_output([sys.executable, "-c", code], text=True).strip())
    sys.exit(3)
"""


@pytest.mark.parametrize(
    "program", [["program.py"], ["-m", "program"], ["-W", "error", "program.py"]]
)
def test_run_a_program(program, tmp_path):
    (tmp_path / "program.py").write_text(SCRIPT)
    done = started(*program, "-a", "b", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "-a b mongodriver bsonx mongodriver.gridfs",
        "bsonx",
        "mongodriver.gridfs",
    ], done.stderr
    assert done.returncode == 3


def test_run_from_the_folder_that_we_are_in(monkeypatch):
    from mongodriver.compat import run

    root = str(Path(run.__file__).parents[2])
    monkeypatch.setattr(sys, "path", ["", *(entry for entry in sys.path if entry != root)])
    monkeypatch.setenv("PYTHONPATH", "a")
    startup, *others = run._python_path().split(os.pathsep)
    assert startup.endswith("startup")
    assert others == ["a", root]
    sys.path.append(root)
    assert run._python_path() == os.pathsep.join([startup, "a"])


def test_run_leaves_a_program_its_own_start(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text("import bson; print(bson.__spec__.name)")
    (tmp_path / "program.py").write_text(
        "import os, sys\n"
        "print(sys.modules['sitecustomize'].__file__ == os.path.abspath('site/sitecustomize.py'))\n"
        "print([entry for entry in sys.path if 'startup' in entry])\n"
    )
    code = (
        "import os\n"
        f"paths = [{str(tmp_path / 'site')!r}, os.environ.get('PYTHONPATH', '')]\n"
        "os.environ['PYTHONPATH'] = os.pathsep.join(paths)\n"
        "from mongodriver.__main__ import main\nsys.exit(main(['run', 'program.py']))"
    )
    done = python("-c", code, cwd=tmp_path)
    assert done.stdout.splitlines() == ["bsonx", "True", "[]"], done.stderr


def test_run_refuses_what_it_cannot_do(tmp_path):
    for options in (
        ["-I"],
        ["-WE", "-bE"],
        ["-X", "dev", "-S"],
        ["-uW", "error", "-E"],
        ["--check-hash-based-pycs", "default", "-E"],
    ):
        done = started(*options, "program.py", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (
            2,
            "mongodriver run: not with Python's options -E, -I and -S\n",
        )
    assert started(cwd=tmp_path).returncode == 2
    assert started("--help", cwd=tmp_path).stdout.startswith("usage: mongodriver run")


@pytest.mark.parametrize(
    "arguments",
    [["-umSIE"], ["-uWIgnore", "x.py", "-E"], ["-uc", "", "-E"], ["-", "-I"], ["--", "x.py", "-S"]],
)
def test_run_takes_what_is_not_pythons_option(arguments):
    from mongodriver.compat import run

    assert not run._refused(arguments)


def test_run_where_pymongo_is_there_first(tmp_path):
    pytest.importorskip("pymongo")
    startup = Path(sys.modules["mongodriver"].__file__).parent / "compat/startup/sitecustomize.py"
    done = python("-c", f"import bson, runpy\nrunpy.run_path({str(startup)!r})")
    assert done.stderr.startswith("mongodriver run: bson is already imported from ")
    assert done.returncode == 1

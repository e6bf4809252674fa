"""Files, notebooks and folders, also odd ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mongodriver.check_code.project import Project
from mongodriver.check_code.source import Unreadable, read_source
from mongodriver.check_code.tree import files

GONE = "from pymongo import OFF\n"


def names(path, *exclude):
    complaints = []
    found = [file.relative_to(path).as_posix() for file in files(path, exclude, complaints.append)]
    assert complaints == []
    return found


def made(folder, *paths):
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(GONE)


def test_what_is_looked_at(tmp_path):
    made(tmp_path, "b.py", "a.pyw", "n.ipynb", "x.txt", "c/d.py", "c/e.pyi", "py")
    made(tmp_path, ".git/a.py", "__pycache__/a.py", "node_modules/a.py", "my-env/lib/a.py")
    (tmp_path / "my-env/pyvenv.cfg").touch()
    assert names(tmp_path) == ["a.pyw", "b.py", "n.ipynb", "c/d.py"]
    assert names(tmp_path, "c") == names(tmp_path, "c/*") == ["a.pyw", "b.py", "n.ipynb"]
    assert names(tmp_path, "*.py", "?.ipynb") == ["a.pyw"]
    assert list(files(tmp_path / "x.txt", [], print)) == [tmp_path / "x.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links and pipes")
def test_loops_and_pipes(tmp_path):
    made(tmp_path, "a/b.py")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "c.py").symlink_to(tmp_path / "a" / "b.py")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.py")
    assert names(tmp_path) == ["c.py", "gone.py", "a/b.py"]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"# coding: latin-1\n'\xe4'\nfrom pymongo import OFF", 3),
        (b"\xef\xbb\xbffrom pymongo import OFF", 1),
        (b"x = 1\r\n\r\nfrom pymongo import OFF\r\n", 3),
        (b"\x0cfrom pymongo import OFF", 1),
        (b"'''\n\xe2\x80\xa8'''\nfrom pymongo import OFF", 3),
        (b"import " + b"a" * 5000 + b"\nfrom pymongo import OFF", 2),
        (b"'\\d'\nfrom pymongo import OFF", 2),
    ],
)
@pytest.mark.filterwarnings("error")
def test_ways_to_write_a_file(tmp_path, data, line):
    path = tmp_path / "a.py"
    path.write_bytes(data)
    assert [f.line for f in Project().check(path)] == [line]


@pytest.mark.parametrize(
    "data",
    [
        b"print 'pymongo'",
        b"import pymongo\n'\xe4'",
        b"# coding: klingon\nimport pymongo",
        b"import pymongo\0",
        b"(" * 100_000 + b"pymongo",
        b"pymongo" + b".a" * 100_000,
        b"import pymongo\nx = " + b"-" * 100_000 + b"1",
        b"import pymongo\nx = " + b"1+" * 20_000 + b"1",
    ],
    ids=lambda data: str(data[:25]),
)
def test_what_is_no_python_is_refused(tmp_path, data):
    path = tmp_path / "a.py"
    path.write_bytes(data)
    with pytest.raises(Unreadable, match=r"\w"):
        Project().check(path)


def test_nothing_is_run(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(f"import pymongo, helper\nopen({str(tmp_path / 'proof')!r}, 'w')")
    (tmp_path / "helper.py").write_text(f"import bson\nopen({str(tmp_path / 'proof')!r}, 'w')")
    Project().check(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.py", "helper.py"]


def test_a_notebook(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["import pymongo.OFF"]},
        {"cell_type": "code", "source": ["%pip install pymongo\n", "import pymongo\n", "pymongo?"]},
        {
            "cell_type": "code",
            "source": ("!ls\nx = !ls\nc = pymongo.MongoClient()\nawait c.a.b.insert(1)"),
        },
        {"cell_type": "code", "source": "%%bash\npip install pymongo"},
        {"cell_type": "code", "source": ["# ä\n", "pymongo.OFF"]},
    ]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    found = Project().check(path)
    assert [(f.cell, f.line, f.column) for f in found] == [(3, 4, 13), (5, 2, 9)]
    assert found[0].place == f"{path}:cell 3:4:13"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"cells": [1]}', '{"cells": 5}', "[" * 100_000])
def test_no_notebook(text):
    with pytest.raises(Unreadable):
        read_source(Path("a.ipynb"), text.encode())


def test_old_notebooks():
    cell = {"cell_type": "code", "input": ["import bson"]}
    source = read_source(Path("a.ipynb"), json.dumps({"worksheets": [{"cells": [cell]}]}).encode())
    assert len(source.tree.body) == 1

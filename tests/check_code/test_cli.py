"""The command line: what is printed, and the exit status."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from mongodriver import __main__
from mongodriver.check_code.cli import main
from mongodriver.check_code.findings import Finding, Severity
from mongodriver.check_code.report import Report

CLEAN = "from pymongo import MongoClient\n"
GONE = "from pymongo import OFF\n"
PRIVATE = "from pymongo.common import _UUID_REPRESENTATIONS\n"
NOTE = "try:\n    from pymongo import OFF\nexcept ImportError:\n    OFF = 0\n"
REMEDY = 'run the command profile: database.command("profile", level)'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_found(folder, capsys):
    (folder / "a.py").write_text(CLEAN)
    assert main(["."]) == 0
    assert capsys.readouterr() == ("Nothing found in 1 file.\n", "")


def test_nothing_to_look_into(folder, capsys):
    """Such as a folder or a pattern with a mistake in it, in CI."""
    (folder / "a.py").write_text(CLEAN)
    (folder / "docs").mkdir()
    assert main(["docs"]) == 2
    assert capsys.readouterr().err == (
        "mongodriver check-code: docs: there is no Python file or notebook to look into\n"
    )
    assert main([".", "docs", "--exclude", "*"]) == 0
    assert "check-code: ., docs: there is no" in capsys.readouterr().err


def test_something_found(folder, capsys):
    (folder / "a.py").write_text(GONE)
    (folder / "b.py").write_text(PRIVATE + PRIVATE)
    assert main(["a.py", "b.py"]) == 1
    assert capsys.readouterr().out == (
        f"a.py:1:21: error: pymongo.OFF is gone in PyMongo 4 [removed]: {REMEDY}\n"
        "b.py:1:28: warning: pymongo.common._UUID_REPRESENTATIONS is private; it is here "
        "[private]: PyMongo promises nothing about it: use what is public\n"
        "b.py:2:28: warning: pymongo.common._UUID_REPRESENTATIONS is private; it is here "
        "[private]: PyMongo promises nothing about it: use what is public\n"
        "1 error, 2 warnings in 2 files.\n"
    )


def test_levels(folder, capsys):
    (folder / "a.py").write_text(PRIVATE + NOTE)
    assert main(["a.py"]) == 1
    assert "1 warning in 1 file; 1 less severe not shown (--level note)." in capsys.readouterr().out
    assert main(["a.py", "--level", "error"]) == 0
    assert capsys.readouterr().out.startswith("Nothing found in 1 file; 2 less severe not shown")
    assert main(["a.py", "--level", "note"]) == 1
    assert "a.py:3:25: note: " in capsys.readouterr().out


def test_json(folder, capsys):
    (folder / "a.py").write_text(GONE)
    (folder / "old.py").write_text("print 1")
    assert main([".", "--json"]) == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    reason = report["skipped"][0].pop("reason")  # the interpreter's words
    assert reason.startswith("Missing parentheses") and reason.endswith("(line 1)")
    assert report == {
        "format": 1,
        "findings": [
            {
                "path": "a.py",
                "line": 1,
                "column": 21,
                "severity": "error",
                "code": "removed",
                "message": "pymongo.OFF is gone in PyMongo 4",
                "remedy": REMEDY,
            }
        ],
        "checked": 1,
        "errors": 1,
        "warnings": 0,
        "notes": 0,
        "hidden": 0,
        "skipped": [{"path": "old.py"}],
        "failed": [],
    }
    assert captured.err.startswith("mongodriver check-code: old.py: skipped: Missing parentheses")


def test_github(folder, capsys):
    (folder / "a,b.py").write_text(GONE)
    assert main([".", "--format", "github"]) == 1
    assert capsys.readouterr().out == (
        "::error file=a%2Cb.py,line=1,col=21::"
        f"pymongo.OFF is gone in PyMongo 4 [removed]: {REMEDY}\n"
    )


def test_exclude(folder, capsys):
    (folder / "tests").mkdir()
    (folder / "tests" / "a.py").write_text(GONE)
    assert main([".", "--exclude", "tests"]) == 0
    assert main([".", "--exclude", "x", "--exclude", "tests/*.py"]) == 0
    assert main([".", "--exclude", "x"]) == 1


def test_what_cannot_be_read(folder, capsys):
    (folder / "a.py").write_text(GONE)
    assert main(["a.py", "nowhere"]) == 2
    captured = capsys.readouterr()
    assert captured.out.endswith("1 error in 1 file; 1 path could not be read.\n")
    assert captured.err == "mongodriver check-code: nowhere: No such file or directory\n"


def test_no_python_at_all(folder, capsys):
    (folder / "a.py").write_text("print 1")
    assert main(["a.py"]) == 2
    (folder / "b.py").write_text("")
    assert main(["."]) == 0
    assert "Nothing found in 1 file; 1 file skipped." in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--format", "xml", "."], ["--level", "bad", "."]])
def test_wrong_command_lines(arguments, capsys):
    with pytest.raises(SystemExit) as info:
        main(arguments)
    assert info.value.code == 2
    assert "usage: mongodriver check-code" in capsys.readouterr().err


def test_odd_names_of_files(folder, capsys):
    name = "a\n\x1b[31m\udcff.py"
    (folder / name).write_text(GONE)
    assert main(["."]) == 1
    captured = capsys.readouterr().out
    assert captured.splitlines()[0].startswith(r"a\n\x1b[31m\udcff.py:1:21: error: ")


def test_a_terminal_that_knows_few_letters():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Report("text", out).add(Finding("ä.py", 0, 1, 1, Severity.ERROR, "removed", "gone", "do"))
    assert out.buffer.getvalue() == b"\\xe4.py:1:1: error: gone [removed]: do\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("form", "environment", "coloured"),
    [
        ("text", {"TERM": "xterm"}, True),
        ("text", {"TERM": "xterm", "NO_COLOR": "1"}, False),
        ("text", {"TERM": "dumb"}, False),
        ("json", {"TERM": "xterm"}, False),
        ("github", {"TERM": "xterm"}, False),
    ],
)
def test_colours(monkeypatch, form, environment, coloured):
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    finding = Finding("a.py", 0, 1, 1, Severity.ERROR, "removed", "gone", "do")
    for out, expected in ((Terminal(), coloured), (io.StringIO(), False)):
        report = Report(form, out)
        report.add(finding)
        assert ("\x1b[" in out.getvalue()) == expected


def test_from_the_shell(folder):
    (folder / "a.py").write_text(GONE * 3000)
    command = [sys.executable, "-m", "mongodriver", "check-code", "a.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith("3000 errors in 1 file.\n")
    # Whoever reads may have enough after a line.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"a.py:1:21: error: ")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_it_is_a_command(folder, capsys):
    (folder / "a.py").write_text(CLEAN)
    assert __main__.main(["check-code", os.curdir]) == 0
    assert __main__.main(["--help"]) == 0
    assert "check-code  report what a code base uses" in capsys.readouterr().out

"""The command line as a whole: what it says of itself, and colours."""

from __future__ import annotations

import argparse
import io
import os
import re
import shlex
import subprocess
import sys

import pytest

from mongodriver.__main__ import main
from mongodriver.command_line import colours
from mongodriver.command_line.commands import COMMANDS, usage
from mongodriver.command_line.line import Line
from mongodriver.compat import run


def test_without_arguments_it_shows_what_it_can_do(capsys):
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == shown.err == usage() + "\n"
    for name, command in COMMANDS.items():
        assert re.search(rf"^  {name} +{command.summary}$", shown.err, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("ingst", "Did you mean ingest? "), ("Doctor", "Did you mean doctor? "), ("x\n\x1b", "")],
)
def test_a_command_that_there_is_not(capsys, name, hint):
    assert main([name]) == 2
    text = name.encode("unicode_escape").decode()
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"mongodriver: there is no command '{text}'. {hint}`mongodriver --help` lists them."
    )


SECRET = "mongodb://ada:s3cr3t@h/?proxyPassword=s3cr3t"


@pytest.mark.parametrize(
    "arguments",
    [
        [SECRET],
        ["doctor", "mongodb://h", SECRET],
        ["doctor", "mongodb://h", SECRET.replace("s3", "s3 ")],
        ["doctor", f"--uri={SECRET}"],
        ["local", "--port", SECRET],
        ["check-code", ".", f"--uri={SECRET}"],
        ["ingest", SECRET],
        ["ingest", "--db", "d", SECRET],
        ["ingest", f"--url={SECRET}"],
        ["export", SECRET],
        ["export", "a.json", SECRET],
        ["export", "a.json", f"--url={SECRET}"],
    ],
    ids=" ".join,
)
def test_a_connection_string_in_the_wrong_place_keeps_its_secrets(capsys, arguments):
    try:
        assert main(arguments) == 2
    except SystemExit as ended:
        assert ended.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "mongodb://ada:<redacted>@h/?proxyPassword=<redacted>" in shown.err
    assert "cr3t" not in shown.err


def test_the_version(capsys):
    assert main(["-V"]) == main(["--version"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


def helped(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    try:
        assert main([name, "--help"]) == 0
    except SystemExit as ended:
        assert ended.code == 0
    return capsys.readouterr().out


def examples(text: str) -> list[list[str]]:
    """The command lines that a help shows, without what is set before them."""
    lines = text.partition("examples:\n")[2].replace("\\\n", " ").splitlines()
    words = [shlex.split(line.partition(" | ")[2] or line) for line in lines if line.strip()]
    return [line[line.index("mongodriver") + 1 :] for line in words]


class Understood(Exception):
    pass


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_examples(name, capsys, monkeypatch):
    shown = examples(helped(name, capsys))
    assert shown
    parse = argparse.ArgumentParser.parse_args

    def parse_only(self, *args):
        parse(self, *args)
        raise Understood

    def start_nothing(*args):
        raise Understood

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    monkeypatch.setattr(run.os, "execve", start_nothing)
    monkeypatch.setattr(run.subprocess, "run", start_nothing)
    for first, *arguments in shown:
        assert first == name
        with pytest.raises(Understood):
            main([name, *arguments])


def test_the_help_of_all_has_examples():
    assert len(examples(usage())) >= 4
    assert {line[0] for line in examples(usage())} <= COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_fits_a_terminal(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert max(map(len, helped(name, capsys).splitlines())) <= 100


@pytest.mark.parametrize("name", [name for name in COMMANDS if COMMANDS[name].parser])
def test_every_option_says_what_it_is_for(name):
    for action in COMMANDS[name].make_parser()._actions:
        assert action.help, action.option_strings


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "terminal", "log"),
    [
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colours(monkeypatch, environment, terminal, log):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert colours.are_wanted(Terminal()) is terminal
    assert colours.are_wanted(io.StringIO()) is log


def test_the_doctor_in_colours(monkeypatch, capsys):
    """The marks and the result; without the colours it is the same text."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    command = ["doctor", "--timeout", "1", "mongodb://127.0.0.1:1/"]
    assert main(command) == 4
    plain = capsys.readouterr().out
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(command) == 4
    shown = capsys.readouterr().out
    assert "\x1b[1;31mFAIL\x1b[0m" in shown
    assert "\x1b[1;31mResult: not usable.\x1b[0m" in shown
    assert re.sub(r"\x1b\[[\d;]*m", "", shown) == plain
    assert main(["doctor", "--json", *command[1:]]) == 4
    assert "\x1b" not in capsys.readouterr().out


def test_a_line_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "12")
    monkeypatch.setattr(sys, "stderr", Terminal())
    now = 5.0
    line = Line(lambda: now)
    line.clear()
    line.show("first text of many")
    line.show("too soon")
    now += 1
    line.show("second")
    line.clear()
    line.clear()
    assert sys.stderr.getvalue() == "\rfirst text \rsecond     \r" + " " * 6 + "\r"


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {}])
def test_no_line_elsewhere(monkeypatch, environment):
    monkeypatch.setenv("TERM", environment.get("TERM", "xterm"))
    monkeypatch.setattr(sys, "stderr", Terminal() if environment else io.StringIO())
    line = Line()
    line.show("text")
    line.clear()
    assert sys.stderr.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", None)
    Line().show("text")


def test_a_line_that_nobody_sees_any_more(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    line = Line()
    terminal.close()
    terminal.isatty = lambda: True
    line.show("text")
    line.clear()


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["doctor", "--timeout", "1", "mongodb://127.0.0.1:1/"], "Looking, for 1 s at most"),
        (["check-code", "{file}"], "0 files, {file}"),
    ],
)
def test_what_takes_time_says_so_on_a_terminal(command, text, monkeypatch, tmp_path, capsys):
    """And removes it before anything else is written."""
    path = tmp_path / "a.py"
    path.write_text("import pymongo\npymongo.GONE\n")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "500")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    main([word.format(file=path) for word in command])
    first, gone, rest = screen.getvalue().lstrip("\r").split("\r", 2)
    assert first.startswith(text.format(file=path))
    assert gone == " " * len(first)
    assert "\r" not in rest
    assert len(rest.splitlines()) > 1


#: Each prints something and ends at once.
PRINTING = [
    ["--help"],
    ["--version"],
    ["completion", "bash"],
    ["doctor", "mongodb://127.0.0.1:1/"],
    ["check-code", __file__],
]


def ended(command, **streams):
    """The exit status of a command with such streams, and what it says on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "mongodriver", *command],
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
        **streams,
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk is full here")
@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
def test_a_full_disk(command):
    with open("/dev/full", "w") as full:
        status, said = ended(command, stdout=full)
    name = "" if command[0].startswith("-") else f" {command[0]}"
    assert (status, said) == (2, f"mongodriver{name}: No space left on device\n")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in other ways")
@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
def test_nobody_reads(command):
    source, target = os.pipe()
    os.close(source)
    try:
        status, said = ended(command, stdout=target)
    finally:
        os.close(target)
    found = {"doctor": 4, "check-code": 1}  # which say what they found all the same
    assert (status, said) == (found.get(command[0], 141), "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such process")
@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
def test_no_standard_output(command):
    status, said = ended(command, preexec_fn=lambda: os.close(1))
    assert (status, said) == (4 if command[0] == "doctor" else 0, "")

"""The commands in the documents are ones that `mongodriver` understands."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pages import PAGES, ROOT, commands

from mongodriver.__main__ import main
from mongodriver.compat import run

_OURS = re.compile(r"^(?:\$ )?(?:python -m )?mongodriver (.*?)(?:\s+[#>].*)?$")


class Understood(Exception):
    pass


def ours(page: Path) -> list[str]:
    return [found[1] for line in commands(page) if (found := _OURS.match(line))]


COMMANDS = sorted({(command, page) for page in PAGES for command in ours(page)})


@pytest.mark.parametrize(
    ("command", "page"),
    COMMANDS,
    ids=[f"{page.relative_to(ROOT).as_posix()}: {command}" for command, page in COMMANDS],
)
def test_a_command_is_understood(command: str, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = argparse.ArgumentParser.parse_args

    def parse_only(self: argparse.ArgumentParser, *args: Any) -> NoReturn:
        parse(self, *args)
        raise Understood

    def run_nothing(*args: Any, **kwargs: Any) -> NoReturn:
        raise Understood

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    monkeypatch.setattr(run.os, "execve", run_nothing)
    monkeypatch.setattr(run.subprocess, "run", run_nothing)
    arguments = shlex.split(command)
    if arguments == ["--version"] or "--help" in arguments:
        monkeypatch.undo()
        try:
            assert main(arguments) == 0
        except SystemExit as end:
            assert end.code == 0
        return
    with pytest.raises(Understood):
        main(arguments)


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 15 or not PAGES

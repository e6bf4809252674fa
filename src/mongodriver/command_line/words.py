"""What the commands take, read from their parsers: this is what shells complete."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from .commands import Command

__all__ = ["Kind", "Option", "Value", "Words", "words_of"]


class Kind(Enum):
    """What a value is."""

    TEXT = "of the user's own"
    CHOICE = "one of some words"
    FILE = "a path"
    FOLDER = "a directory"
    COMMAND = "another command with its arguments"


_BY_METAVAR = {
    **dict.fromkeys(("FILE", "PATH"), Kind.FILE),
    "FOLDER": Kind.FOLDER,
    "COMMAND": Kind.COMMAND,
}


@dataclass(frozen=True)
class Value:
    """The value of an option, or an argument."""

    kind: Kind
    name: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """An option: its names, what it is for, and what it takes, if anything."""

    names: tuple[str, ...]
    help: str
    value: Value | None
    repeats: bool


@dataclass(frozen=True)
class Words:
    """What a command takes: options, and arguments that are all of a kind."""

    name: str
    summary: str
    options: tuple[Option, ...]
    arguments: Value


def words_of(name: str, command: Command) -> Words:
    """Return what a command takes."""
    parser = command.make_parser()
    if parser is None:
        return Words(name, command.summary, (), Value(Kind.FILE, "FILE"))
    arguments = Value(Kind.TEXT, "")
    for action in parser._actions:
        if not action.option_strings:
            arguments = _value(action)
    return Words(name, command.summary, tuple(_options(parser)), arguments)


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    for action in parser._actions:
        if action.option_strings:
            text = (action.help or "") % {**vars(action), "prog": parser.prog}
            yield Option(
                tuple(action.option_strings),
                text,
                None if action.nargs == 0 else _value(action),
                type(action).__name__ == "_AppendAction",
            )


def _value(action: argparse.Action) -> Value:
    name = str(action.metavar or action.dest.upper())
    if action.choices is not None:
        return Value(Kind.CHOICE, name, tuple(map(str, action.choices)))
    return Value(_BY_METAVAR.get(name, Kind.TEXT), name)

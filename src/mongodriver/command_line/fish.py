"""Completion in fish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .words import Kind, Value, Words

__all__ = ["script"]

_START = """\
# Completion of mongodriver in fish: written by `mongodriver completion fish`.
function __mongodriver_in
    set -l words (commandline -opc)
    test "$words[2]" = "$argv[1]"
end
complete -c mongodriver -f
complete -c mongodriver -n '__mongodriver_in ""' -l help -d 'explain the command'
complete -c mongodriver -n '__mongodriver_in ""' -l version -d 'show the versions'
"""
_TAKES = {
    Kind.TEXT: "-x",
    Kind.FILE: "-r -F",
    Kind.FOLDER: "-x -a '(__fish_complete_directories)'",
    Kind.COMMAND: "-F -a '(__fish_complete_command)'",
}


def script(commands: Sequence[Words]) -> str:
    """Return the script."""
    return _START + "".join(f"complete -c mongodriver {line}\n" for line in _lines(commands))


def _lines(commands: Sequence[Words]) -> Iterator[str]:
    for command in commands:
        summary = _quoted(command.summary)
        yield f"-n '__mongodriver_in \"\"' -a {command.name} -d {summary}"
        here = f"-n '__mongodriver_in {command.name}'"
        for option in command.options:
            names = " ".join(_name(name) for name in option.names)
            takes = "" if option.value is None else f" {_takes(option.value)}"
            yield f"{here} {names}{takes} -d {_quoted(option.help)}"
        if command.arguments.kind is not Kind.TEXT:
            yield f"{here} {_takes(command.arguments).removeprefix('-r ').removeprefix('-x ')}"


def _name(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"


def _takes(value: Value) -> str:
    if value.kind is Kind.CHOICE:
        return f"-x -a {_quoted(' '.join(value.choices))}"
    return _TAKES[value.kind]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

"""Completion in zsh."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .words import Kind, Option, Value, Words

__all__ = ["script"]

_SCRIPT = """\
#compdef mongodriver
# Completion of mongodriver in zsh: written by `mongodriver completion zsh`.
_mongodriver() {{
    local -a commands
    if (( CURRENT == 2 )); then
        commands=(
{commands}
        )
        _describe command commands
        _arguments '--help[explain the command]' '--version[show the versions]'
        return
    fi
    shift words
    (( CURRENT-- ))
    case $words[1] in
{arguments}
    esac
}}
if [[ $funcstack[1] == _mongodriver ]]; then
    _mongodriver "$@"
else
    compdef _mongodriver mongodriver
fi
"""
_ACTIONS = {
    Kind.TEXT: "",
    Kind.FILE: "_files",
    Kind.FOLDER: "_path_files -/",
    Kind.COMMAND: "_normal",
}


def script(commands: Sequence[Words]) -> str:
    """Return the script."""
    return _SCRIPT.format(
        commands="\n".join(
            f"            {_quoted(f'{c.name}:{_escaped(c.summary)}')}" for c in commands
        ),
        arguments="\n".join(
            f"    {c.name}) _arguments {' '.join(map(_quoted, _specs(c)))} ;;" for c in commands
        ),
    )


def _specs(command: Words) -> Iterator[str]:
    """What `_arguments` takes: a text for each option, and one for the arguments."""
    for option in command.options:
        for name in option.names:
            yield _spec(option, name)
    value = command.arguments
    every = "*::" if value.kind is Kind.COMMAND else "*:"
    if value.name:
        yield f"{every}{_escaped(value.name)}:{_action(value)}"


def _spec(option: Option, name: str) -> str:
    start = "*" if option.repeats else f"({' '.join(option.names)})"
    text = _escaped(option.help)
    if option.value is None:
        return f"{start}{name}[{text}]"
    return f"{start}{name}=[{text}]:{_escaped(option.value.name)}:{_action(option.value)}"


def _action(value: Value) -> str:
    if value.kind is Kind.CHOICE:
        return f"({' '.join(value.choices)})"
    return _ACTIONS[value.kind]


def _escaped(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"

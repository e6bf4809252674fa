"""Completion in bash. Version 3.2, which macOS has, knows no `compopt`, and offers files there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .words import Kind, Value, Words

__all__ = ["script"]

_SCRIPT = """\
# Completion of mongodriver in bash: written by `mongodriver completion bash`.
_mongodriver() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} word at=0
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "{commands} --help --version" -- "$cur"))
        compopt +o default 2>/dev/null
        return
    fi
    for word in "${{COMP_WORDS[@]:0:COMP_CWORD}}"; do  # what stands behind -- is another's
        ((++at))
        if [[ $word == -- ]]; then
            if ((at == COMP_CWORD)); then
                COMPREPLY=($(compgen -c -- "$cur"))
            fi
            return
        fi
    done
    if [[ $cur == = ]]; then  # --option=, which bash takes apart
        cur=
    elif [[ $prev == = ]]; then
        prev=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    case ${{COMP_WORDS[1]}}:$prev in
{values}
    esac
    case ${{COMP_WORDS[1]}}:$cur in
{options}
    esac
    case ${{COMP_WORDS[1]}} in
{arguments}
    esac
}}
complete -o bashdefault -o default -F _mongodriver mongodriver
"""
_FOR = {
    Kind.TEXT: "compopt +o default +o bashdefault 2>/dev/null",
    Kind.FILE: ":",  # as bash itself does it
    Kind.FOLDER: "compopt +o default +o bashdefault -o dirnames 2>/dev/null",
    Kind.COMMAND: ":",
}


def script(commands: Sequence[Words]) -> str:
    """Return the script."""
    return _SCRIPT.format(
        commands=" ".join(command.name for command in commands),
        values="\n".join(_values(commands)),
        options="\n".join(_options(commands)),
        arguments="\n".join(f"    {c.name}) {_completing(c.arguments)} ;;" for c in commands),
    )


def _completing(value: Value) -> str:
    if value.kind is Kind.CHOICE:
        return f'COMPREPLY=($(compgen -W "{" ".join(value.choices)}" -- "$cur")); {_FOR[Kind.TEXT]}'
    return _FOR[value.kind]


def _values(commands: Sequence[Words]) -> Iterator[str]:
    """The cases of options that take a value, by what it is."""
    cases: dict[str, list[str]] = {}
    for command in commands:
        for option in command.options:
            if option.value is not None:
                names = [f"{command.name}:{name}" for name in option.names]
                cases.setdefault(_completing(option.value), []).extend(names)
    for completing, names in cases.items():
        yield f"    {'|'.join(names)})"
        yield f"        {completing}"
        yield "        return ;;"


def _options(commands: Sequence[Words]) -> Iterator[str]:
    for command in commands:
        names = " ".join(name for option in command.options for name in option.names)
        if names:
            yield f'    {command.name}:-*) COMPREPLY=($(compgen -W "{names}" -- "$cur")); return ;;'

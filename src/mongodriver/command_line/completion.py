"""`mongodriver completion`: what lets a shell complete the commands.

The scripts are made of the commands' own parsers and complete without starting Python.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import bash, fish, zsh
from .commands import COMMANDS
from .words import words_of

__all__ = ["main", "make_parser"]

_WRITERS = {"bash": bash.script, "fish": fish.script, "zsh": zsh.script}
_EPILOG = """\
Where a shell looks for it:

  bash  mongodriver completion bash > ~/.local/share/bash-completion/completions/mongodriver
        (with the package bash-completion; or in ~/.bashrc: source <(mongodriver completion bash))
  fish  mongodriver completion fish > ~/.config/fish/completions/mongodriver.fish
  zsh   mongodriver completion zsh > DIRECTORY/_mongodriver
        (of $fpath, before compinit; or in ~/.zshrc, after it: source <(mongodriver completion zsh))

examples:
  mongodriver completion bash
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `completion` subcommand; return the exit status."""
    options = make_parser().parse_args(arguments)
    commands = [words_of(name, command) for name, command in COMMANDS.items()]
    print(_WRITERS[options.shell](commands), end="")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the `completion` subcommand."""
    parser = argparse.ArgumentParser(
        prog="mongodriver completion",
        description="Print the script that lets a shell complete commands, options and values.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "shell", choices=sorted(_WRITERS), metavar="SHELL", help="bash, fish or zsh"
    )
    return parser

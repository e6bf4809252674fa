"""The command line: `mongodriver` and `python -m mongodriver`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mongodriver.command_line.commands import COMMANDS, usage
from mongodriver.command_line.output import BROKEN_PIPE, abandon, flush


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (default: the process's) name; return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    name = arguments[0] if arguments else ""
    try:
        try:
            return _run(name, arguments[1:])
        finally:
            flush()
    except KeyboardInterrupt:  # before, or after, a command minds signals itself
        return 130
    except BrokenPipeError:  # whoever reads has read enough, as `head`
        abandon(sys.stdout)
        return BROKEN_PIPE
    except OSError as error:  # a full disk: what can fail in other ways is minded by the commands
        abandon(sys.stdout)
        command = f" {name}" if name in COMMANDS else ""
        print(f"mongodriver{command}: {error.strerror or error}", file=sys.stderr)
        return 2


def _run(name: str, arguments: Sequence[str]) -> int:
    if name in COMMANDS:
        return COMMANDS[name].run(arguments)
    if name in ("-V", "--version"):
        return _show_version()
    if name in ("-h", "--help"):
        print(usage())
        return 0
    print(_unknown(name) if name else usage(), file=sys.stderr)
    return 2


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    from mongodriver.command_line.secrets import without_secrets

    nearest = get_close_matches(name, COMMANDS, n=1)
    hint = f"Did you mean {nearest[0]}? " if nearest else ""
    text = without_secrets(name).encode("ascii", "backslashreplace").decode()
    return f"mongodriver: there is no command {text!r}. {hint}`mongodriver --help` lists them."


def _show_version() -> int:
    from mongodriver._version import __version__, namesake, version

    print(f"mongodriver {__version__}, with the API of PyMongo {version}")
    if other := namesake():
        print(f"mongodriver: {other}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Read by Python at the start of a program that `mongodriver run` has started."""

import sys
from importlib import import_module
from pathlib import Path


def _install() -> None:
    try:
        from mongodriver.compat.aliases import install_as_pymongo
    except ImportError:
        return  # another environment's Python, which has PyMongo alone or none
    try:
        install_as_pymongo()
    except RuntimeError as error:
        raise SystemExit(f"mongodriver run: {error}") from None


def _read_the_hidden_one() -> None:
    """Import the `sitecustomize` that there would be without this one."""
    own = str(Path(__file__).parent)
    path, module = list(sys.path), sys.modules.pop("sitecustomize", None)
    sys.path[:] = [entry for entry in path if entry != own]
    try:
        import_module("sitecustomize")
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
        if module is not None:
            sys.modules["sitecustomize"] = module


_install()
_read_the_hidden_one()

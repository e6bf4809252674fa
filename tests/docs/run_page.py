"""Run the Python of one page: `run_page.py PAGE ADDRESS`, the blocks coming as JSON from stdin.

A process of its own, so that what a page changes (names of modules, loggers) is gone with it.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import faulthandler
import inspect
import io
import json
import linecache
import re
import sys
import types
from typing import Any

MOST_SECONDS = 120
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def main() -> None:
    page, address = sys.argv[1:]
    faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)  # against hangs
    with contextlib.suppress(ImportError):
        from mongodriver.public.client_base import ClientBase

        host, port = address.split(":")
        ClientBase.HOST, ClientBase.PORT = host, int(port)
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    with asyncio.Runner() as runner:
        for block in json.load(sys.stdin):
            code = re.sub(r"localhost(:27017)?(?=[/\"])", address, block["code"])
            run(page, module, runner, {**block, "code": code})


def run(page: str, module: types.ModuleType, runner: asyncio.Runner, block: dict[str, Any]) -> None:
    # Numbers of lines are the page's, and tracebacks show them.
    source = "\n" * (block["line"] - 1) + block["code"]
    linecache.cache[page] = (len(source), None, source.splitlines(True), page)
    code = compile(source, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    awaits = bool(code.co_flags & inspect.CO_COROUTINE)
    wanted = block["mark"].partition("raises: ")[2]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            if awaits:
                runner.run(eval(code, module.__dict__))
            else:
                exec(code, module.__dict__)
    except BaseException as error:
        if type(error).__name__ != wanted:
            print(said.getvalue(), file=sys.stderr)
            raise
    else:
        assert not wanted, f"{page}:{block['line']}: no {wanted}"
    prints = block["prints"]
    if prints is not None:
        same = doctest.OutputChecker().check_output(prints, said.getvalue(), FLAGS)
        assert same, f"{page}:{block['line']} prints\n{said.getvalue()}\nand not\n{prints}"


if __name__ == "__main__":
    main()

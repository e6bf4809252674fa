"""A notebook whose cells await at the top: in IPython, in Python's own loop for that, and bare."""

from __future__ import annotations

import ast
import asyncio
import json

import pytest
from services import EXAMPLES

pytestmark = [pytest.mark.slow, pytest.mark.server]
NOTEBOOK = EXAMPLES / "notebook" / "orders.ipynb"
PRINTED = [
    "3 orders",
    "tea 9",
    "cake 20",
    "{'ada': 2, 'bob': 1}",
    "sum 40",
    "closed",
]


def cells():
    """The code of each cell."""
    made = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(cell["source"]) for cell in made if cell["cell_type"] == "code"]


def compiled(cell, flags=0):
    """A cell as IPython and others compile it."""
    return compile(cell, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | flags, dont_inherit=True)


def test_in_ipython(start, tmp_path):
    pytest.importorskip("IPython", reason="`make examples` installs the frameworks")
    pytest.importorskip("nbformat", reason="`make examples` installs the frameworks")
    service = start("-m", "IPython", "--colors=NoColor", str(NOTEBOOK), IPYTHONDIR=str(tmp_path))
    assert service.wait() == 0, service.said
    service.assert_content()
    assert printed(service.said) == PRINTED


def test_in_a_kernel_of_jupyter(uri, monkeypatch):
    """Its event loop runs all the time, and is tornado's."""
    nbclient = pytest.importorskip("nbclient", reason="`make examples` installs the frameworks")
    nbformat = pytest.importorskip("nbformat", reason="`make examples` installs the frameworks")
    pytest.importorskip("ipykernel", reason="`make examples` installs the frameworks")
    monkeypatch.setenv("MONGODB_URI", uri)
    monkeypatch.setenv("PYTHONWARNINGS", "always::ResourceWarning")
    notebook = nbformat.read(NOTEBOOK, 4)
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert {output.name for output in outputs} == {"stdout"}
    assert printed("".join(output.text for output in outputs)) == PRINTED


def test_in_pythons_own_loop(start, tmp_path):
    """``python -m asyncio`` reads one statement after the other."""
    lines = []
    for cell in cells():
        for statement in compiled(cell, ast.PyCF_ONLY_AST).body:
            lines += [ast.unparse(statement).strip(), ""]
    script = tmp_path / "typed"
    script.write_text("\n".join(lines) + "\n")
    service = start("-m", "asyncio", stdin=script)
    assert service.wait() == 0, service.said
    service.assert_content()
    said = service.said.replace(">>> ", "").replace("... ", "")
    assert printed(said) == PRINTED


@pytest.mark.parametrize("factory", ["asyncio", "uvloop"])
def test_in_a_loop_that_stands_still_between_cells(uri, monkeypatch, capsys, factory):
    """As in IPython and in debuggers: nothing of the client runs while nobody awaits."""
    new_loop = asyncio.new_event_loop
    if factory == "uvloop":
        new_loop = pytest.importorskip("uvloop", reason="uvloop is not installed").new_event_loop
    monkeypatch.setenv("MONGODB_URI", uri)
    loop = new_loop()
    names = {"__name__": "__main__"}
    try:
        for cell in cells():
            made = eval(compiled(cell), names)
            if made is not None:
                loop.run_until_complete(made)
    finally:
        loop.close()
    assert printed(capsys.readouterr().out) == PRINTED


def printed(said):
    """What the cells have printed, but for the server's version."""
    lines = said.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("server "))
    return [line for line in lines[first + 1 :] if line in PRINTED]

"""Write the stub files of the synchronous modules: ``make stubs``.

The synchronous methods are made of the asynchronous ones at run time: `mongodriver.public.flavour`.
A stub says of each what it takes and gives, with its docstring: the asynchronous method's without
``async``, with the classes of the other flavour. What is written by hand in a synchronous module is
copied.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"

#: Synchronous modules, each with the asynchronous one it is made of.
MODULES = {
    **{
        f"mongodriver.synchronous.{name}": f"mongodriver.asynchronous.{name}"
        for name in (
            "change_stream",
            "client_session",
            "collection",
            "command_cursor",
            "cursor",
            "database",
            "encryption",
            "mongo_client",
        )
    },
    "mongodriver.gridfs.synchronous.grid_file": "mongodriver.gridfs.asynchronous.grid_file",
}

_HEADER = '''\
"""{title}

What type checkers and editors see. Written by tests/typing/stubs.py: change the module it is of,
or the asynchronous one, and run ``make stubs``.
"""

'''
_WIDTH = 100
_IGNORE = re.compile(r"# type: ignore\[[\w-]+\]")
#: What iteration is called in the other flavour.
_NAMES = {"__anext__": "__next__"}
_SHOWN = {"staticmethod", "classmethod", "property", "overload"}


def path_of(module: str, suffix: str) -> Path:
    return SOURCE / (module.replace(".", "/") + suffix)


def blocking_name(text: str) -> str:
    """The text of an annotation in the synchronous flavour."""
    return re.sub(r"\b(_?)Async(?=[A-Z])", r"\1", text)


class Module:
    """A module's statements, and where the names it imports come from."""

    def __init__(self, name: str) -> None:
        self.name = name
        text = path_of(name, ".py").read_text()
        self.tree = ast.parse(text)
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for decorator in node.decorator_list:
                    ignored = _IGNORE.search(text.split("\n")[decorator.lineno - 1])
                    decorator.ignored = ignored[0] if ignored else ""  # type: ignore[attr-defined]
        self.imported: dict[str, str] = {}
        body = list(self.tree.body)
        for node in self.tree.body:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                body += node.body
        for node in body:
            if isinstance(node, ast.ImportFrom):
                home = node.module or ""
                if node.level:
                    parents = name.split(".")[: -node.level]
                    home = ".".join([*parents, *filter(None, [home])])
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = f"{home}.{alias.name}"
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = ""
        self.classes = {n.name: n for n in self.tree.body if isinstance(n, ast.ClassDef)}
        self.variables = {
            n.targets[0].id: n
            for n in self.tree.body
            if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)
        }


def _functions(body: list[ast.stmt]) -> dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions of a class by name: the overloads, or the one."""
    found: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.setdefault(node.name, []).append(node)
    for nodes in found.values():
        if _is_overload(nodes[0]):
            documented = nodes.pop()
            if ast.get_docstring(documented) and not ast.get_docstring(nodes[0]):
                nodes[0].body = documented.body[:1]
    return found


def _is_overload(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return "overload" in map(ast.unparse, function.decorator_list)


def _ignore(decorator: ast.expr) -> str:
    ignored = getattr(decorator, "ignored", "")
    return f"  {ignored}" if ignored else ""


def _declarations(cls: ast.ClassDef) -> list[ast.stmt]:
    """What a class declares for type checkers alone."""
    return [
        inner
        for node in cls.body
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in node.body
    ]


def _parameters(arguments: ast.arguments) -> list[str]:
    shown = []
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    for position, (argument, default) in enumerate(zip(positional, defaults, strict=True), 1):
        shown.append(_parameter(argument, default))
        # That `self` is positional need not be said.
        if position == len(arguments.posonlyargs) and position > 1:
            shown.append("/")
    if arguments.vararg:
        shown.append("*" + _parameter(arguments.vararg, None))
    elif arguments.kwonlyargs:
        shown.append("*")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        shown.append(_parameter(argument, default))
    if arguments.kwarg:
        shown.append("**" + _parameter(arguments.kwarg, None))
    return shown


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    if argument.annotation is None:
        return argument.arg
    text = f"{argument.arg}: {_unparsed(argument.annotation)}"
    return text if default is None else f"{text} = {_unparsed(default)}"


def _unparsed(node: ast.expr) -> str:
    return blocking_name(ast.unparse(node)).replace("'", '"')


def _definition(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """A function of a class as it stands in a stub."""
    lines = [
        f"    @{_unparsed(decorator)}{_ignore(decorator)}"
        for decorator in function.decorator_list
        if ast.unparse(decorator).split(".")[-1] in {*_SHOWN, "setter"}
    ]
    if isinstance(function, ast.AsyncFunctionDef) and "    @property" in lines:
        raise ValueError(f"{function.name}: write it by hand in the synchronous module")
    name = _NAMES.get(function.name, function.name)
    shown = _parameters(function.args)
    gives = f" -> {_unparsed(function.returns)}" if function.returns else ""
    docstring = ast.get_docstring(function, clean=False)
    end = f"){gives}:" if docstring else f"){gives}: ..."
    one_line = f"    def {name}({', '.join(shown)}{end}"
    if len(one_line) <= _WIDTH:
        lines.append(one_line)
    else:
        inner = ", ".join(shown)
        lines.append(f"    def {name}(")
        if len(inner) + 8 <= _WIDTH:
            lines.append(f"        {inner}")
        else:
            lines += [f"        {parameter}," for parameter in shown]
        lines.append(f"    {end}")
    if docstring:
        lines += [*_docstring(docstring, 8), ""]
    return lines


def _docstring(text: str, indent: int) -> list[str]:
    quoted = f'{" " * indent}"""{text}"""'
    return quoted.replace("\\", "\\\\").split("\n")


class Stub:
    """The stub file of one synchronous module."""

    def __init__(self, module: str) -> None:
        self.ours = Module(module)
        self.twin = Module(MODULES[module])
        self.body: list[str] = []

    def text(self) -> str:
        for node in self.ours.tree.body:
            if isinstance(node, ast.ClassDef) and not self._is_hidden(node.name):
                self._add_class(node)
        body = re.sub(r"\n\n\n+", "\n\n", "\n".join(self.body)).rstrip() + "\n"
        title = (ast.get_docstring(self.ours.tree) or "").split("\n")[0]
        header = _HEADER.format(title=title)
        variables = self._variables(body)
        return header + self._imports(body + variables) + variables + body

    def _is_hidden(self, name: str) -> bool:
        """Whether a class is nothing that the public ones take or give."""
        twins = {name, f"_Async{name[1:]}"}
        return name.startswith("_") and not twins & {*self.twin.classes}

    def _add_class(self, cls: ast.ClassDef) -> None:
        # Names in a stub may come before what they name.
        bases = f"({', '.join(map(_unparsed, cls.bases))})".replace('"', "") if cls.bases else ""
        self.body.append(f"class {cls.name}{bases}:")
        docstring = ast.get_docstring(cls, clean=False)
        if docstring:
            self.body += [*_docstring(docstring, 4), ""]
        before = len(self.body)
        for node in [*self._declared(cls), *_declarations(cls), *cls.body]:
            self._add_member(cls, node)
        if len(self.body) == before and not docstring:
            self.body.append("    ...")
        self.body.append("")

    def _declared(self, cls: ast.ClassDef) -> list[ast.stmt]:
        """What the asynchronous class declares, unless the synchronous one has its own."""
        for prefix in (f"Async{cls.name}", f"_Async{cls.name[1:]}"):
            if prefix in self.twin.classes:
                own = _functions([*_declarations(cls), *cls.body])
                declared = _declarations(self.twin.classes[prefix])
                functions = _functions(declared)
                return [f for name, fs in functions.items() if name not in own for f in fs]
        return []

    def _add_member(self, cls: ast.ClassDef, node: ast.stmt) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            name = node.name
            # Of overloads, the implementation comes last.
            same = _functions(cls.body).get(name, [node])
            hidden = name.startswith("_") and not name.startswith("__")
            if not hidden and (node in same or node not in cls.body):
                self.body += _definition(node)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            self._add_assignment(node.targets[0].id, node.value)
        elif isinstance(node, ast.AnnAssign) and not ast.unparse(node.target).startswith("_"):
            self.body.append(f"    {ast.unparse(node)}")

    def _add_assignment(self, name: str, value: ast.expr) -> None:
        made = value
        if isinstance(made, ast.Call) and ast.unparse(made.func) in ("blocking", "sibling"):
            made = made.args[0]
        if isinstance(made, ast.Attribute) and ast.unparse(made.value) in self.twin.classes:
            self.body += [
                line for function in self._original(made) for line in _definition(function)
            ]
        elif not name.startswith("_"):
            self.body.append(f"    {name} = {ast.unparse(value)}")

    def _original(self, method: ast.Attribute) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """The asynchronous method."""
        owner = ast.unparse(method.value)
        return _functions(self.twin.classes[owner].body)[method.attr]

    def _variables(self, body: str) -> str:
        """Type variables and what else is public, as far as it is used."""
        known = {**self.twin.variables, **self.ours.variables}
        lines = [
            ast.unparse(node).replace("'", '"')
            for name, node in known.items()
            if name == "__all__" or (_used(name, body) and "TypeVar(" in ast.unparse(node))
        ]
        text = "\n".join(lines)
        names = re.search(r"__all__ = \[(.*)\]", text)
        if names and len(names[0]) > _WIDTH:
            items = "".join(f"    {item},\n" for item in names[1].split(", "))
            text = text.replace(names[0], f"__all__ = [\n{items}]")
        return text + "\n\n"

    def _imports(self, text: str) -> str:
        known = {
            blocking_name(name): blocking_name(origin.replace(".asynchronous.", ".synchronous."))
            for name, origin in self.twin.imported.items()
        }
        known |= self.ours.imported
        here = {*self.ours.classes, *self.ours.variables}
        typing = {
            name: f"typing.{name}" for name in ("Any", "NoReturn", "Self", "TypeVar", "overload")
        }
        wanted: dict[str, list[str]] = {}
        plain = []
        for name, origin in sorted({**typing, **known}.items()):
            if name in here or not _used(name, text):
                continue
            home, _, original = origin.rpartition(".")
            if not home:
                plain.append(f"import {name}")
            elif original == name:
                wanted.setdefault(home, []).append(name)
            else:
                wanted.setdefault(home, []).append(f"{original} as {name}")
        return _import_lines(plain, wanted)


def _import_lines(plain: list[str], wanted: dict[str, list[str]]) -> str:
    """The import statements in the order that ruff wants."""
    groups: dict[bool, list[str]] = {False: [], True: []}
    groups[False] += plain
    for home, names in sorted(wanted.items()):
        line = f"from {home} import {', '.join(sorted(names, key=_import_order))}"
        if len(line) > _WIDTH:
            items = "".join(f"    {name},\n" for name in sorted(names, key=_import_order))
            line = f"from {home} import (\n{items})"
        groups[home.split(".")[0] in ("bsonx", "mongodriver")].append(line)
    return "\n\n".join("\n".join(lines) for lines in groups.values() if lines) + "\n\n"


def _import_order(name: str) -> tuple[int, str]:
    """Constants, classes, functions."""
    bare = name.lstrip("_")
    return (0 if bare.isupper() and len(bare) > 1 else 1 if bare[0].isupper() else 2), name


def _used(name: str, text: str) -> bool:
    return name in _names(text)


@lru_cache
def _names(text: str) -> set[str]:
    """The names that a stub uses, also in the strings that are types."""
    tree = ast.parse(text)
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        types: list[ast.expr] = []
        if isinstance(node, ast.Assign):  # of a type variable, or __all__
            types = [node.value]
        for inner in (inner for outer in types for inner in ast.walk(outer)):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                found |= set(re.findall(r"\w+", inner.value))
    return found


def stubs() -> dict[Path, str]:
    """The stub files and what stands in them."""
    return {path_of(module, ".pyi"): Stub(module).text() for module in MODULES}


def main() -> None:
    for path, text in stubs().items():
        path.write_text(text)


if __name__ == "__main__":
    main()

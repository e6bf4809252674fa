"""The tables of what is gone and what to write instead are right, here and in PyMongo."""

from __future__ import annotations

import importlib
import operator
import re

import pytest

from mongodriver.check_code import remedies
from mongodriver.check_code.installed import CLIENT_OPTIONS, Missing, find, has_member, parameters
from mongodriver.check_code.kinds import _CLASSES, _GIVES, class_of, kind_of
from mongodriver.errors import ConfigurationError

NAMES = [*remedies.FORMER_MODULES, *remedies.FORMER_NAMES]
MEMBERS = [
    (base, name)
    for table in (remedies.FORMER_MEMBERS, remedies.FORMER_PROPERTIES)
    for base, names in table.items()
    for name in names
]
FLAVOURS = ["", "Async"]


@pytest.mark.parametrize("path", NAMES)
def test_names_are_gone(path):
    assert isinstance(find(path), Missing)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(("base", "name"), MEMBERS)
def test_members_are_gone(base, name, flavour):
    owner = class_of(flavour + base)
    assert owner is not None
    assert not has_member(owner, name)


def test_options_are_gone():
    assert CLIENT_OPTIONS.isdisjoint(remedies.FORMER_OPTIONS)


def in_pymongo(path):
    """Whether PyMongo has a dotted name."""
    top, *rest = path.split(".")
    here = importlib.import_module(top)
    for part in rest:
        if not hasattr(here, part):
            try:
                importlib.import_module(f"{here.__name__}.{part}")
            except (ImportError, AttributeError):
                return False
        here = getattr(here, part)
    return True


def test_they_are_gone_in_pymongo():
    pymongo = pytest.importorskip("pymongo")
    assert [path for path in NAMES if in_pymongo(path)] == []
    classes = {
        "MongoClient": pymongo.MongoClient,
        "Database": pymongo.database.Database,
        "Collection": pymongo.collection.Collection,
        "Cursor": pymongo.cursor.Cursor,
    }
    assert [(b, name) for b, name in MEMBERS if hasattr(classes[b], name)] == []
    for option in remedies.FORMER_OPTIONS:
        with pytest.raises(pymongo.errors.ConfigurationError):
            pymongo.MongoClient(connect=False, **{option: None})


def test_former_options_are_refused_here():
    for option in remedies.FORMER_OPTIONS:
        with pytest.raises(ConfigurationError):
            find("pymongo.MongoClient")(connect=False, **{option: None})


@pytest.mark.parametrize(
    ("base", "name"), [(b, n) for b, names in remedies.DEPRECATED_MEMBERS.items() for n in names]
)
def test_deprecated_members_are_there(base, name):
    assert has_member(class_of(base), name)


@pytest.mark.parametrize("path", remedies.DEPRECATED_NAMES)
def test_deprecated_names_are_there(path):
    assert not isinstance(find(path), Missing)


def function_of(owner, method):
    if "." in owner:
        return parameters(find(owner))
    return parameters(getattr(class_of(owner), method), owner, method)


@pytest.mark.parametrize(("owner", "method"), remedies.FORMER_PARAMETERS)
def test_former_parameters_are_gone(owner, method):
    takes = function_of(owner, method)
    assert takes.names.isdisjoint(remedies.FORMER_PARAMETERS[owner, method])


@pytest.mark.parametrize(("owner", "method"), remedies.DEPRECATED_PARAMETERS)
def test_deprecated_parameters_are_there(owner, method):
    assert function_of(owner, method).names >= set(remedies.DEPRECATED_PARAMETERS[owner, method])


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_members_give_is_there(flavour):
    for base, given in _GIVES.items():
        if base not in _CLASSES:
            continue  # of another library
        owner = class_of(flavour + base)
        assert owner is not None
        assert [name for name in given if not has_member(owner, name)] == []


def test_every_class_is_found_by_its_public_name():
    for base in _CLASSES:
        owner = class_of(base)
        top = "gridfs" if base.startswith("Grid") else "pymongo"
        module = owner.__module__.replace("mongodriver.gridfs", "gridfs").replace(
            "mongodriver", "pymongo"
        )
        assert module.startswith(top)
        assert kind_of(f"{module}.{base}") == base
        assert kind_of(f"{module.replace('.synchronous', '')}.{base}") == base


def test_what_remedies_name_is_there():
    """Methods and options that are to be used instead."""
    client = find("pymongo.MongoClient")(connect=False)
    texts = [text for names in remedies.FORMER_PROPERTIES.values() for text in names.values()]
    for text in texts:
        for path in re.findall(r"client\.options\.([\w.]+)", text):
            operator.attrgetter(path)(client.options)
    owners = [class_of(base) for base in ("MongoClient", "Database", "Collection")]
    named = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
    known = {"codec_options", "read_preference", "write_concern"}
    for names in remedies.FORMER_MEMBERS.values():
        for text in names.values():
            for name in set(named.findall(text)) - known:
                assert any(has_member(owner, name) for owner in owners), name
    for text in remedies.FORMER_OPTIONS.values():
        for name in re.findall(r"\b(?:tls|max|wT|socketT|connectT|timeoutM)\w+", text):
            assert name.lower() in CLIENT_OPTIONS

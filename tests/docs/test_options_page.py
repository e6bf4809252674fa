"""docs/options.md tells of every option of clients, and what the code says of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from mongodriver.options.unsupported import REFUSED
from mongodriver.options.uri_options import VALIDATORS

TOOLS = Path(__file__).resolve().parents[2] / "docs" / "tools"

pytestmark = pytest.mark.skipif(not TOOLS.exists(), reason="no documents beside the tests")


@pytest.fixture(scope="module")
def options() -> ModuleType:
    spec = importlib.util.spec_from_file_location("options_page", TOOLS / "options.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_option_is_missing_and_none_too_many(options: ModuleType) -> None:
    assert options.described().keys() == VALIDATORS.keys() - REFUSED.keys()


def test_every_default_is_told(options: ModuleType) -> None:
    known = options.defaults()
    assert known.keys() <= options.described().keys()


def test_the_page_is_up_to_date(options: ModuleType) -> None:
    page = options.PAGE.read_text(encoding="utf-8")
    assert page == options.page(), "write it anew by `make options`"

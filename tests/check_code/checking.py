"""Checking a program that is given as text."""

from __future__ import annotations

import textwrap
from pathlib import Path

from mongodriver.check_code.findings import Finding
from mongodriver.check_code.project import Project

PREAMBLE = """\
import pymongo
from pymongo import MongoClient
client = MongoClient()
db = client.shop
coll = db.orders
"""


def check(folder: Path, program: str, name: str = "program.py") -> list[Finding]:
    """What is found in a program that is written to a folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(program), encoding="utf-8")
    return Project().check(path)


def told(findings: list[Finding]) -> list[str]:
    """Findings as "line severity code message", those about the preamble left out."""
    return [f"{f.line} {f.severity} {f.code} {f.message}" for f in findings]

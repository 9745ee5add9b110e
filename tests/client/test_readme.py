"""The client's README names what is there."""

from __future__ import annotations

import ast
import inspect
import re

import saldo
from saldo import Saldo

from config import ROOT
from tests.docs.markdown import blocks, code, section, tables

TEXT = (ROOT / "clients" / "python" / "README.md").read_text(encoding="utf-8")


def test_examples_are_python_that_uses_what_is_there() -> None:
    calls = set()
    for block in blocks(TEXT, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                assert all(hasattr(saldo, name.name) for name in node.names)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "credits":
                calls.add(node.attr)
    assert len(calls) >= 5
    assert all(hasattr(Saldo, name) for name in calls)


def test_errors_are_told_with_what_they_carry() -> None:
    (errors,) = tables(section(TEXT, "Errors"))
    for names, _when, besides in errors:
        for name in code(names):
            kind = getattr(saldo, name)
            assert issubclass(kind, saldo.ApiError)
            for member in code(besides):
                assert hasattr(kind, member) or member in inspect.getsource(saldo.errors), member


def test_settings_are_those_of_the_client() -> None:
    taken = inspect.signature(Saldo).parameters
    for name in re.findall(r"\b(fail_open|kept_in|settle_every)=", TEXT):
        assert name in taken
    assert f"Every {taken['settle_every'].default:.0f} seconds" in TEXT


def test_answers_have_the_fields_that_the_api_describes() -> None:
    """What the client reads is what the description promises, for every object that both know."""
    from api.openapi.document import SHAPES

    for name in ("Entry", "Grant", "Quota"):
        fields = set(getattr(saldo, name).__dataclass_fields__)
        assert fields <= set(SHAPES[name]["properties"])

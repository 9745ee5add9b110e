"""Staff read words, not names of the code: in both languages, for every act that is recorded anywhere."""

from __future__ import annotations

import ast
from typing import get_args

import pytest
from flask import Flask
from flask_babel import force_locale

from billing.staff_accounts import Right
from config import ROOT
from web.staff.words import ACTS

ROOMS = ("api", "billing", "commands", "web", "webhooks", "worker")


def recorded_acts() -> set[str]:
    """Every act that is written in the code as the `action` of `audit_log.record`, or of what hands it on."""
    functions = [
        (path.as_posix(), _origins(tree, path.stem), node)
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for tree in [ast.parse(path.read_text(encoding="utf-8"))]
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    acts: set[str] = set()
    recorders = {"audit_log.record": 0}
    while True:
        known = dict(recorders)
        for path, origins, function in functions:
            names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
            for act in _acts_of(function, origins, known):
                if isinstance(act, ast.Constant) and isinstance(act.value, str):
                    acts.add(act.value)
                elif isinstance(act, ast.Name) and act.id in names:
                    recorders[origins[function.name]] = names.index(act.id)
                else:
                    raise AssertionError(f"{path}: which act does {function.name} record? {ast.unparse(act)}")
        if recorders == known:
            return acts


def _origins(tree: ast.Module, stem: str) -> dict[str, str]:
    """What a module calls by its bare name → the same with the module it is from, as others call it."""
    own = {node.name: f"{stem}.{node.name}" for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    imported = {
        alias.asname or alias.name: f"{(node.module or '').rpartition('.')[2]}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return imported | own


def _acts_of(function: ast.FunctionDef, origins: dict[str, str], recorders: dict[str, int]) -> list[ast.expr]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    called = [(call, ast.unparse(call.func)) for call in calls]
    placed = [(call.args, recorders.get(origins.get(name, name))) for call, name in called]
    return [args[at] for args, at in placed if at is not None]


def test_every_act_that_is_recorded_has_words_and_no_others_do() -> None:
    acts = recorded_acts()
    assert {"quota_reset", "refund.approve", "staff.add", "take"} <= acts
    assert set(ACTS) == acts | set(get_args(Right))


@pytest.mark.parametrize("act", sorted(ACTS))
def test_words_of_an_act_are_there_in_both_languages(app: Flask, act: str) -> None:
    words = []
    for locale in ("en", "es"):
        with app.test_request_context(), force_locale(locale):
            words.append(str(ACTS[act]))
    assert all(words)
    assert words[0] != words[1]

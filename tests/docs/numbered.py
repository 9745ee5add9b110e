"""Which tests carry the number of a fault: in their name (`test_…__F076`), or in the first words of their docstring."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from config import ROOT


def numbered_tests() -> dict[str, set[str]]:
    """Number of a fault → the files with tests that hold it."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for number in _numbers_in(path):
            found.setdefault(number, set()).add(str(path.relative_to(ROOT)))
    return found


def _numbers_in(path: Path) -> set[str]:
    numbers: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            numbers |= {f"F{digits}" for digits in re.findall(r"_[fF](\d{3})(?!\d)", node.name)}
            first_words = re.match(r"(?:F\d{3}[,. and]*)+", ast.get_docstring(node) or "")
            numbers |= set(re.findall(r"F\d{3}", first_words[0])) if first_words else set()
    return numbers

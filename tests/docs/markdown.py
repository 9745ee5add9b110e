"""Reading our own documents, so that tests can hold them against the code."""

from __future__ import annotations

import importlib
import re
from functools import reduce
from pathlib import Path

from config import ROOT

DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def read(name: str) -> str:
    """The text of a document, by its path in the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str = "") -> list[str]:
    """The contents of every fenced block of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def code(text: str) -> list[str]:
    """Everything in backticks, in order."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}$\n", text, flags=re.MULTILINE)
    assert found, f"no heading {heading!r}"
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, flags=re.MULTILINE)
    return rest[: end.start()] if end else rest


def tables(text: str) -> list[list[list[str]]]:
    """Every table as rows of cells, without its header and rule."""
    found = re.findall(r"(?:^\|.*\|$\n?)+", prose(text), flags=re.MULTILINE)
    return [[_cells(line) for line in table.strip().splitlines()[2:]] for table in found]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def links(text: str) -> list[str]:
    """Where every link and picture of a text leads."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(text))


def anchors(path: Path) -> set[str]:
    """The names that a document's headings can be linked by."""
    headings = re.findall(r"^#+ (.+)$", prose(path.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def resolve(name: str) -> object:
    """The module, class or function that a dotted name stands for; raises where there is none."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[length:], module)
    raise ModuleNotFoundError(name)

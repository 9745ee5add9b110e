"""Every link between our documents leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import ROOT
from tests.docs.markdown import DOCS, anchors, links


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for link in links(document.read_text(encoding="utf-8")):
        if link.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_documents_are_within_reach_of_the_readme() -> None:
    """From page to page, somebody who starts at the README comes by every document."""
    reached = {ROOT / "README.md"}
    waiting = [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        for link in links(document.read_text(encoding="utf-8")):
            if link.startswith("https://"):
                continue
            target = (document.parent / link.partition("#")[0]).resolve()
            found = sorted(target.glob("*.md")) if target.is_dir() else [target]
            for path in found:
                if path.suffix == ".md" and path not in reached:
                    reached.add(path)
                    waiting.append(path)
    assert set(DOCS) <= reached

"""index.html: the contact sheet of a cohort, what needs a look first on top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..atomic import atomic_file
from ..templates import template
from .tables import KINDS, OUTLIER, CaseCard
from .task import THUMBNAIL

PAGE = "index.html"

_WORDS = {
    "failed": "not segmented",
    "uncertain": "names uncertain",
    "flagged": "flagged",
    "outlier": "outlier",
    "warned": "warning",
    "clear": "nothing to check",
}


def write_page(output: Path, cards: Sequence[CaseCard]) -> None:
    """Write the contact sheet: one file with a line of data for each case, of which the browser draws a page at a time.

    Args:
        output: Folder of the cohort, with the folders of the cases in `cases`.
        cards: In the order of the page.

    Raises:
        OutputError: The folder cannot be written.
    """
    counts = Counter(mark for card in cards for mark in card.marks)
    stream = template("cohort.html.jinja").stream(
        rows=_rows(output, cards),
        filters=[(mark, _WORDS[mark], counts[mark]) for mark in KINDS if counts[mark]],
        words=_WORDS,
        total=len(cards),
        thumbnail=THUMBNAIL,
    )
    with atomic_file(output / PAGE) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(stream)


def _rows(output: Path, cards: Sequence[CaseCard]) -> Iterator[list[Any]]:
    """What the page's script draws of each case: name, marks, levels, discs, flags, outlier, sentence, picture?, report?"""
    for card in cards:
        folder = output / "cases" / card.name
        outlier = f"{card.outlier}: z-score {card.z_score:.1f}" if card.z_score >= OUTLIER else ""
        yield [
            *(card.name, card.marks, card.levels, card.discs, card.flags, outlier, card.sentence or card.warnings),
            *(int((folder / name).is_file()) for name in (THUMBNAIL, "report.html")),
        ]

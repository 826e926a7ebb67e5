"""index.html: the contact sheet of a cohort, what needs a look first on top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

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
    """Write the contact sheet.

    Args:
        output: Folder of the cohort, with the folders of the cases in `cases`.
        cards: In the order of the page.

    Raises:
        OutputError: The folder cannot be written.
    """
    counts = Counter(card.kind for card in cards)
    stream = template("cohort.html.jinja").stream(
        cards=cards,
        filters=[(kind, _WORDS[kind], counts[kind]) for kind in KINDS if counts[kind]],
        words=_WORDS,
        total=len(cards),
        outlier=OUTLIER,
        thumbnail=THUMBNAIL,
        has_report={card.name for card in cards if (output / "cases" / card.name / "report.html").is_file()},
        has_picture={card.name for card in cards if (output / "cases" / card.name / THUMBNAIL).is_file()},
    )
    with atomic_file(output / PAGE) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(stream)

"""What findings say, for tests that pin the sentences a user reads."""

from __future__ import annotations

from collections.abc import Iterable

from IVDSegmentationLib.findings import Finding


def said(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The English sentences of findings."""
    return tuple(one.text() for one in findings)

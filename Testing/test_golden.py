"""The report of a phantom is what it was: measurements of its exact labels, within tolerances.

After a change that is meant, write it anew: python Testing/test_golden.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IVDSegmentationLib.report.files import build_report
from made_results import result_of_phantom

GOLDEN = Path(__file__).parent / "golden" / "phantom-3.json"
SEED = 3
RELATIVE = 1e-3
"""Versions of numpy, scipy and vtk differ by less; a voxel more or less in a disc of 10 ml is 3e-4 of its volume."""
LEFT_OUT = ("timings_s", "versions", "model", "engine")


def golden_of_today() -> dict[str, Any]:
    """What is pinned: the report but what depends on the machine, and the voxels of each label."""
    segmentation = result_of_phantom(SEED)
    report = {name: value for name, value in build_report(segmentation).items() if name not in LEFT_OUT}
    labels, counts = np.unique(segmentation.label_volume.voxels, return_counts=True)
    voxels = {str(label): int(count) for label, count in zip(labels, counts, strict=True)}
    return {"report": report, "voxels_by_label": voxels}


def assert_alike(found: Any, golden: Any, where: str) -> None:
    """The same content; numbers within RELATIVE, or 1e-3 of their unit."""
    if isinstance(golden, dict):
        assert isinstance(found, dict) and list(found) == list(golden), where
        for name, value in golden.items():
            assert_alike(found[name], value, f"{where}.{name}")
    elif isinstance(golden, list):
        assert isinstance(found, list) and len(found) == len(golden), where
        for number, value in enumerate(golden):
            assert_alike(found[number], value, f"{where}[{number}]")
    elif isinstance(golden, float):
        assert found == pytest.approx(golden, rel=RELATIVE, abs=1e-3), where
    else:
        assert found == golden, where


def test_the_report_of_a_phantom_is_what_it_was() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert len(golden["report"]["discs"]) >= 4
    assert_alike(json.loads(json.dumps(golden_of_today())), golden, "golden")


def test_another_value_is_noticed() -> None:
    with pytest.raises(AssertionError, match=r"a\.b"):
        assert_alike({"a": {"b": 1.01}}, {"a": {"b": 1.0}}, "golden")
    with pytest.raises(AssertionError):
        assert_alike({"a": 1.0}, {"a": 1.0, "b": 2.0}, "golden")


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(golden_of_today(), indent=1) + "\n", encoding="utf-8")

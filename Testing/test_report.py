"""report.py and its pages: what is written, that it is whole or not there, and that every output says the same."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from IVDSegmentationLib.errors import OutputError
from IVDSegmentationLib.findings import finding
from IVDSegmentationLib.images import read_volume, write_volume
from IVDSegmentationLib.measure.rounding import rounded
from IVDSegmentationLib.pipeline.segmentation import Segmentation
from IVDSegmentationLib.report import files as report_module
from IVDSegmentationLib.report.files import build_report, measurements_csv, report_json, write_outputs
from IVDSegmentationLib.report.output_folder import OUTPUTS, check_output_folder
from IVDSegmentationLib.report.page import report_html
from IVDSegmentationLib.report.pictures import CORONAL, SAGITTAL, grey_pixels, png_uri, spine_plane
from made_results import files_below, result_of_phantom

SCHEMA = Path(__file__).parents[1] / "IVDSegmentation" / "IVDSegmentationLib" / "Resources" / "report.schema.json"


@pytest.fixture(scope="module")
def result() -> Segmentation:
    return result_of_phantom(3)


@pytest.fixture(scope="module")
def written(result: Segmentation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    write_volume(result.label_volume, folder / "reference.nii.gz")
    write_outputs(replace(result, reference=read_volume(folder / "reference.nii.gz")), folder / "made" / "out")
    return folder / "made" / "out"


def _validate(report: object) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(report)


def test_all_outputs_are_written_and_nothing_else(written: Path, result: Segmentation) -> None:
    surfaces = [f"surfaces/{disc.level}.vtp" for disc in result.discs]
    assert len(surfaces) >= 4
    expected = ["discs.nii.gz", "discs.seg.nrrd", "measurements.csv", "report.html", "report.json", *surfaces]
    assert files_below(written) == sorted(expected)


def test_the_label_map_has_the_geometry_and_labels_of_the_result(written: Path, result: Segmentation) -> None:
    volume = read_volume(written / "discs.nii.gz")
    assert np.array_equal(volume.voxels, result.label_volume.voxels)
    assert np.allclose(volume.grid.origin_mm, result.label_volume.grid.origin_mm, atol=1e-4)


def test_report_json_obeys_the_schema_with_and_without_a_reference(written: Path, result: Segmentation) -> None:
    report = json.loads((written / "report.json").read_text(encoding="utf-8"))
    _validate(report)
    assert report["metrics"]["overall_dice"] == 1.0 and report["metrics"]["missing"] == []
    without = build_report(result)
    assert without["metrics"] is None
    _validate(json.loads(report_json(without)))


def test_the_schema_knows_the_rudimentary_disc_of_the_sacrum_and_a_volume_that_is_not_known(result: Segmentation) -> None:
    report = json.loads(report_json(build_report(result.renamed("S1-S2"))))
    assert report["discs"][0]["level"] == "S1-S2"
    report["discs"][1]["volume_mm3"] = None
    _validate(report)


def test_the_schema_refuses_what_the_report_never_is(result: Segmentation) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    report = build_report(result)
    for wrong in ({"discs": []}, {"patient": "x"}, {"discs": [{**report["discs"][0], "level": "S2-S3"}]}):
        with pytest.raises(jsonschema.ValidationError):
            _validate({**report, **wrong})


def test_the_report_says_what_the_result_holds(written: Path, result: Segmentation) -> None:
    report = json.loads((written / "report.json").read_text(encoding="utf-8"))
    assert [(d["level"], d["label"]) for d in report["discs"]] == [(d.level, d.label) for d in result.discs]
    for disc, own in zip(report["discs"], result.discs, strict=True):
        assert np.allclose(disc["center_mm"], own.center_mm, atol=1e-3)
        counted = float(np.count_nonzero(result.labels == own.label)) * 3.125
        assert disc["volume_mm3"] == pytest.approx(counted, rel=0.05)
    water, mask = result.case.channels["water"].astype(float), result.labels > 0
    by_hand = abs(water[mask].mean() - water[~mask].mean()) / water[~mask].mean()
    assert report["weber_contrast"]["water"]["contrast"] == pytest.approx(by_hand, rel=1e-5)
    assert report["channels"] == {"given": ["fat", "in_phase", "opposed_phase", "water"], "derived": []}
    assert {"localize", "segment", "measure", "report"} <= report["timings_s"].keys()


def test_measurements_csv_has_one_row_a_disc_and_the_figures_of_the_json(written: Path) -> None:
    report = json.loads((written / "report.json").read_text(encoding="utf-8"))
    with open(written / "measurements.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["level"] for row in rows] == [disc["level"] for disc in report["discs"]]
    for row, disc in zip(rows, report["discs"], strict=True):
        for name, value in disc.items():
            if isinstance(value, float):
                assert float(row[name]) == value
        assert [float(row[f"center_{axis}_mm"]) for axis in "lps"] == disc["center_mm"]
    lengths = [name for name in rows[0] if re.search("height|width|depth|volume", name)]
    assert len(lengths) >= 7 and all(name.endswith(("_mm", "_mm3", "_index")) for name in lengths)


def test_nan_becomes_null_and_missing_cells_stay_empty() -> None:
    assert rounded({"a": float("nan"), "b": [1.23456789, None]}) == {"a": None, "b": [1.23457, None]}
    disc = {"level": "L4-L5", "center_mm": [1.0, 2.0, 3.0], "width_mm": None, "flags": [{"text": "One."}, {"text": "Two."}]}
    assert measurements_csv({"discs": [disc]}).splitlines()[1] == "L4-L5,,1.0,2.0,3.0,One. Two."


def test_a_second_run_replaces_the_first_and_leaves_other_files(result: Segmentation, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    write_outputs(result, tmp_path)
    fewer = replace(result, found=result.found[:2], labels=np.where(result.labels <= 2, result.labels, 0))
    write_outputs(fewer, tmp_path)
    assert [name for name in files_below(tmp_path) if name.endswith(".vtp")] == ["surfaces/L4-L5.vtp", "surfaces/L5-S1.vtp"]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("culprit", ["write_volume", "_write_surfaces", "measurements_csv", "report_json"])
def test_a_full_disk_leaves_nothing_and_is_an_output_error(
    result: Segmentation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, culprit: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(report_module, culprit, fail)
    with pytest.raises(OutputError, match="the disk is full"):
        write_outputs(result, tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_when_moving_fails_half_way_the_earlier_outputs_come_back(
    result: Segmentation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in OUTPUTS[:-1]:
        (tmp_path / name).write_text("earlier")
    with pytest.raises(OutputError, match=r"is not as an earlier run of this program wrote it"):
        write_outputs(result, tmp_path)
    real_replace = os.replace

    def move(source: Path, target: Path) -> None:
        if Path(target) == tmp_path / "measurements.csv" and Path(source).parent.name == "made":
            raise OSError(errno.EACCES, "Permission denied")
        real_replace(source, target)

    monkeypatch.setattr(os, "replace", move)
    with pytest.raises(OutputError, match="permission denied"):
        write_outputs(result, tmp_path, overwrite=True)
    assert files_below(tmp_path) == sorted(OUTPUTS[:-1])
    assert all((tmp_path / name).read_text() == "earlier" for name in OUTPUTS[:-1])


def test_a_file_in_the_way_of_the_folder_is_an_output_error(result: Segmentation, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="out could not be written"):
        write_outputs(result, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "a file"


def test_a_folder_is_checked_without_leaving_a_trace(tmp_path: Path) -> None:
    check_output_folder(tmp_path / "new" / "out")
    assert list(tmp_path.iterdir()) == []
    surface = tmp_path / "earlier" / "surfaces" / "S1-S2.vtp"
    surface.parent.mkdir(parents=True)
    surface.write_text("another's")
    with pytest.raises(OutputError, match=r"S1-S2.vtp in earlier is not as an earlier run"):
        check_output_folder(tmp_path / "earlier")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="out could not be written"):
        check_output_folder(tmp_path / "file" / "out")


class _Page(HTMLParser):
    """Collects the tags, addresses and text of a page, and fails where tags are not balanced."""

    EMPTY = ("meta", "image", "path", "rect", "img", "br", "!doctype")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words += data + " "


def _read(page: str) -> _Page:
    parser = _Page()
    parser.feed(page)
    assert parser.open == []
    return parser


def test_the_page_is_self_contained_and_well_formed(written: Path) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")
    read = _read(page)
    assert len(read.addresses) >= 8 and all(address.startswith("data:image/png;base64,") for address in read.addresses)
    assert "script" not in read.tags and "link" not in read.tags
    assert not re.search(r"https?:|url\(|@import", page)
    assert "prefers-color-scheme: dark" in page and "size: A4" in page


def test_the_page_shows_the_figures_of_the_json(written: Path) -> None:
    report = json.loads((written / "report.json").read_text(encoding="utf-8"))
    words = _read((written / "report.html").read_text(encoding="utf-8")).words
    for disc in report["discs"]:
        assert words.count(disc["level"]) >= 10  # eight pictures, the chart, the table
        assert f"{disc['volume_mm3']:.0f} " in words
    heights = [disc["mean_height_mm"] for disc in report["discs"] if disc["mean_height_mm"] is not None]
    assert len(heights) >= 3 and all(f"{height:.1f} " in words for height in heights)
    assert f"{report['weber_contrast']['fat']['contrast']:.2f} " in words


def test_the_page_puts_warnings_first_and_escapes_them(result: Segmentation) -> None:
    warned = replace(result, run_findings=(finding("no_reference", name="<b>a & b"),))
    page = report_html(warned, build_report(warned))
    assert "&lt;b&gt;a &amp; b has no reference" in page
    assert page.index("has no reference") < page.index("Mid-sagittal")


def test_whatever_the_report_holds_is_escaped(result: Segmentation) -> None:
    report = build_report(result)
    report["model"] = {"name": "<script>&", "sha256": {"<i>": "0" * 64}}
    report["engine"] = {"name": "<script>&", "version": "<i>", "device": "<i>"}
    report["versions"] = {"<script>&": "<i>"}
    report["timings_s"] = {"<script>&": 1.0}
    report["discs"][0]["flags"] = [{"text": "<script>&"}]
    read = _read(report_html(result, report))
    assert read.words.count("<script>&") == 5
    assert not {"script", "i"} & set(read.tags)


def test_neither_the_page_nor_the_json_holds_the_name_of_the_case(result: Segmentation) -> None:
    named = replace(result, case=replace(result.case, name="Doe_Jane_1950"))
    report = build_report(named)
    assert "Doe" not in report_json(report) + measurements_csv(report) + report_html(named, report)


def test_outlines_enclose_the_area_of_the_discs_in_the_slice(result: Segmentation) -> None:
    for kind, step_mm2 in ((SAGITTAL, 1.25 * 1.25), (CORONAL, 2.0 * 1.25)):
        plane = spine_plane(result, kind)
        i, j, k = np.rint(plane.points_ijk).astype(int)
        labels = result.labels[i, j, k]
        assert len(plane.outlines) >= 4
        for disc in result.discs:
            if disc.level not in plane.outlines:
                continue
            x, y = max(plane.outlines[disc.level], key=len).T
            area = abs(np.sum(x[1:] * y[:-1] - x[:-1] * y[1:])) / 2
            assert area == pytest.approx(np.count_nonzero(labels == disc.label) * step_mm2, rel=0.2), (kind, disc.level)
            rows = plane.points_ijk.shape[2] - 1 - np.argwhere(labels == disc.label)[:, 1]
            assert y.mean() / 1.25 - 0.5 == pytest.approx(rows.mean(), abs=1.5)  # cranial is up


def test_skin_and_canal_however_bright_leave_the_spine_as_it_is_seen(result: Segmentation) -> None:
    plane = spine_plane(result, SAGITTAL)
    channel = result.case.channels["water"]
    before = grey_pixels(channel, plane)
    i, j, k = np.rint(plane.points_ijk).astype(int)
    inside = (result.labels[i, j, k] > 0).T[::-1]
    behind = int(np.rint(max(disc.center_ijk[1] for disc in result.discs) + 36.0 / 1.25))
    brighter = channel.copy()
    brighter[:, behind:] *= 20
    after = grey_pixels(brighter, plane)
    assert before.dtype == np.uint8 and before[inside].max() > 150
    assert np.median(after[inside]) == pytest.approx(np.median(before[inside]), abs=8)


def test_a_png_holds_exactly_the_pixels(tmp_path: Path) -> None:
    import base64

    import SimpleITK as sitk

    pixels = np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(base64.b64decode(png_uri(pixels).split(",")[1]))
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "a.png"))).squeeze(), pixels)

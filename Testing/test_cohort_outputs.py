"""What a cohort leaves: folders of cases, tables, contact sheet, summary; and the command."""

import argparse
import csv
import json
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from IVDSegmentationLib.cli.commands import main
from IVDSegmentationLib.cohort import command, task
from IVDSegmentationLib.cohort.case import CohortCase
from IVDSegmentationLib.cohort.page import write_page
from IVDSegmentationLib.cohort.run import Progress
from IVDSegmentationLib.cohort.summary import summarise
from IVDSegmentationLib.cohort.tables import CaseCard, write_tables
from IVDSegmentationLib.cohort.task import Settings, failed_row, read_case_file, segment_case, write_case_file
from IVDSegmentationLib.errors import InputError, ModelError, OutputError
from IVDSegmentationLib.images import read_volume
from made_results import files_below, result_of_phantom

pandas = pytest.importorskip("pandas", reason="pandas is not installed here: pip install -e '.[cohort]'")
pytest.importorskip("pyarrow", reason="pyarrow is not installed here: pip install -e '.[cohort]'")

LABELS = {"case.json", "thumbnail.svg", "discs.nii.gz", "discs.seg.nrrd"}


@pytest.fixture(scope="module")
def result():
    return result_of_phantom(11)


class Made:
    """A pipeline that finds what was made before, or raises."""

    def __init__(self, outcome):
        self.outcome = outcome

    def segment(self, case, request=None):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def pipeline(monkeypatch):
    def use(outcome):
        monkeypatch.setattr(task, "warm_pipeline", lambda model, device: Made(outcome))
        monkeypatch.setattr(CohortCase, "load", lambda self: None)

    return use


CASE = CohortCase("one", {})


@pytest.mark.parametrize(
    ("only", "written"),
    [
        ("tables", {"case.json", "thumbnail.svg"}),
        ("labels", {"case.json", "thumbnail.svg", "discs.nii.gz", "discs.seg.nrrd", "labels.json"}),
        (
            "all",
            {"case.json", "thumbnail.svg", "discs.nii.gz", "discs.seg.nrrd", "report.json", "report.html", "measurements.csv"},
        ),
    ],
)
def test_what_is_written_of_a_case(tmp_path, pipeline, result, only, written):
    pipeline(result)
    row = segment_case(CASE, Settings(tmp_path, only))
    assert {name for name in files_below(tmp_path / "cases" / "one") if not name.startswith("surfaces/")} == written
    assert row["status"] == "done" and row["discs"] == len(result.discs) and row["lowest_level"] == result.discs[0].level
    content = read_case_file(tmp_path / "cases" / "one")
    assert content["case"] == row and [disc["level"] for disc in content["discs"]] == [disc.level for disc in result.discs]
    if only != "tables":
        found = read_volume(tmp_path / "cases" / "one" / "discs.nii.gz").voxels
        np.testing.assert_array_equal(found, result.label_volume.voxels)


def test_the_thumbnail_stands_alone_and_names_the_levels(tmp_path, pipeline, result):
    from xml.etree import ElementTree

    pipeline(result)
    segment_case(CASE, Settings(tmp_path, "tables"))
    root = ElementTree.parse(tmp_path / "cases" / "one" / "thumbnail.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {disc.level for disc in result.discs} <= texts and "made" not in texts


def test_a_case_that_is_refused_is_a_row_with_its_sentence(tmp_path, pipeline):
    pipeline(InputError("water.nii.gz holds no voxels"))
    assert segment_case(CASE, Settings(tmp_path))["sentence"] == "water.nii.gz holds no voxels"
    assert files_below(tmp_path / "cases" / "one") == ["case.json"]


def test_an_error_that_nobody_thought_of_is_a_row_that_repeats_nothing_of_it(tmp_path, pipeline):
    pipeline(ZeroDivisionError("Doe^Jane"))
    row = segment_case(CASE, Settings(tmp_path))
    assert row["status"] == "failed" and "ZeroDivisionError" in row["sentence"] and "Doe" not in json.dumps(row)


def test_a_model_that_cannot_be_loaded_is_no_row(tmp_path, monkeypatch):
    def missing(model, device):
        raise ModelError("no such model")

    monkeypatch.setattr(task, "warm_pipeline", missing)
    with pytest.raises(ModelError):
        segment_case(CASE, Settings(tmp_path))
    assert files_below(tmp_path) == []


# --- tables -------------------------------------------------------------------------------------------------------------

LEVELS = ("L5-S1", "L4-L5")


def cohort(folder, count=24, odd=7):
    """Cases as workers leave them: one refused, one uncertain, one flagged, one with a disc of twice the volume."""
    names = [f"case-{index:02d}" for index in range(count)]
    random = np.random.default_rng(3)
    for index, name in enumerate(names):
        if index == 1:
            write_case_file(folder / "cases" / name, failed_row(CohortCase(name), "failed", "it is no <b>image</b>"), [], "f")
            continue
        discs = [
            {
                "case": name, "level": level, "label": label, "cut": False, "flags": "",
                "volume_mm3": float(9000 + random.normal(0, 300)) * (2 if index == odd else 1),
                "mean_height_mm": float(9 + random.normal(0, 0.3)), "fat_mean": 1.0 if index % 2 else None,
            }
            for label, level in enumerate(LEVELS, start=1)
        ]  # fmt: skip
        row = {
            "case": name, "status": "done", "sentence": "", "discs": 2, "lowest_level": "L5-S1", "highest_level": "L4-L5",
            "uncertain_levels": index == 2, "warnings": "Check." if index in (2, 4) else "",
            "warning_count": int(index in (2, 4)), "flag_count": 3 if index == 3 else 0, "least_confidence": 0.9,
            "lumbar_lordosis_deg": None, "channels": "water",
            "seconds": 1.5, "model": "default",
        }  # fmt: skip
        write_case_file(folder / "cases" / name, row, discs, "f")
    return names


def test_the_tables_hold_one_row_a_disc_and_one_a_case(tmp_path):
    names = cohort(tmp_path)
    write_tables(tmp_path, names)
    discs, cases = pandas.read_parquet(tmp_path / "measurements.parquet"), pandas.read_parquet(tmp_path / "cases.parquet")
    assert len(discs) == 2 * 23 and len(cases) == 24
    assert list(discs.columns[:2]) == ["case", "level"] and discs["volume_mm3"].dtype == float and discs["cut"].dtype == bool
    assert cases.set_index("case").loc["case-01", ["status", "sentence"]].tolist() == ["failed", "it is no <b>image</b>"]
    with open(tmp_path / "measurements.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case"], row["level"]) for row in rows] == list(zip(discs["case"], discs["level"], strict=True))
    np.testing.assert_allclose([float(row["volume_mm3"]) for row in rows], discs["volume_mm3"])
    assert discs["fat_mean"].isna().sum() == sum(row["fat_mean"] == "" for row in rows) > 0


def test_what_needs_a_look_comes_first(tmp_path):
    cards = write_tables(tmp_path, cohort(tmp_path))
    assert [card.kind for card in cards[:5]] == ["failed", "uncertain", "flagged", "outlier", "warned"]
    assert [card.name for card in cards[:5]] == ["case-01", "case-02", "case-03", "case-07", "case-04"]
    assert cards[3].z_score > 10 and cards[3].outlier in {f"volume of {level}" for level in LEVELS}
    assert {card.kind for card in cards[5:]} <= {"clear", "outlier"}


def test_a_handful_of_cases_has_no_outliers(tmp_path):
    cards = write_tables(tmp_path, cohort(tmp_path, count=9))
    assert all(card.z_score == 0 for card in cards)


def test_a_cohort_in_which_nothing_was_segmented_has_tables_all_the_same(tmp_path):
    write_case_file(tmp_path / "cases" / "a", failed_row(CohortCase("a"), "failed", "no"), [], "f")
    (card,) = write_tables(tmp_path, ["a", "never done"])
    assert card.kind == "failed" and len(pandas.read_parquet(tmp_path / "measurements.parquet")) == 0
    assert (tmp_path / "measurements.csv").read_text() == "case,level\n"


# --- contact sheet ------------------------------------------------------------------------------------------------------


def rows_of(page):
    """The lines of data that the page's script draws."""
    data = page[page.index("const cases = [") + len("const cases = ") : page.index("];\n")].rstrip().removesuffix(",")
    return json.loads(data + "]")


def browser():
    """Chromium, where this machine has it."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    return found or pytest.skip("Chromium is not installed here: apt install chromium")


def drawn(page, state, tmp_path):
    """The page as Chromium draws it."""
    command = [
        *(
            browser(),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
        ),
        page.as_uri() + state,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


def test_the_page_holds_every_case_and_takes_no_sentence_for_markup(tmp_path):
    names = cohort(tmp_path)
    (tmp_path / "cases" / "case-05" / "report.html").write_text("")
    (tmp_path / "cases" / "case-05" / "thumbnail.svg").write_text("")
    write_page(tmp_path, write_tables(tmp_path, names))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    rows = {row[0]: row for row in rows_of(page)}
    assert sorted(rows) == names and "<b>image" not in page
    assert rows["case-01"] == ["case-01", ["failed"], "", 0, 0, "", "it is no <b>image</b>", 0, 0]
    assert rows["case-05"][-2:] == [1, 1] and rows["case-04"][-2:] == [0, 0]
    assert rows["case-03"][1] == ["flagged"] and rows["case-03"][4] == 3
    assert "names uncertain 1" in page and "all 24" in page
    assert "http" not in page


def test_a_case_is_found_under_each_of_its_marks(tmp_path):
    card = CaseCard("a", "done", discs=6, uncertain=True, flags=2, z_score=5.0, outlier="volume of L5-S1", warnings="Check.")
    assert card.marks == ("uncertain", "flagged", "outlier") and card.kind == "uncertain"
    write_page(tmp_path, [card, CaseCard("b", "done", discs=6, warnings="Check."), CaseCard("c", "done", discs=6)])
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    for text in ("names uncertain 1", "flagged 1", "outlier 1", "warning 1", "nothing to check 1"):
        assert f"{text}</label>" in page


def test_a_browser_draws_ten_thousand_cases_a_page_at_a_time(tmp_path):
    cards = [CaseCard("odd", "failed", "it is no <b>image</b>")]
    cards += [CaseCard(f"case-{index:05d}", "done", levels="L5-S1 to T12-L1", discs=6) for index in range(9_999)]
    (tmp_path / "cases" / "case-00000").mkdir(parents=True)
    (tmp_path / "cases" / "case-00000" / "thumbnail.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    write_page(tmp_path, cards)
    page = tmp_path / "index.html"
    assert len(page.read_text(encoding="utf-8")) < 1e6
    first = drawn(page, "", tmp_path)
    assert first.count("<article") == 100 and first.count("<img ") == 1 and "1 to 100 of 10000" in first
    assert "it is no &lt;b&gt;image&lt;/b&gt;" in first.split("<article")[1]
    assert "9901 to 10000 of 10000" in drawn(page, "#page=99", tmp_path)
    failed = drawn(page, "#show=failed&page=7", tmp_path)
    assert failed.count("<article") == 1 and "1 to 1 of 1" in failed
    found = drawn(page, "#find=CASE-00042", tmp_path)
    assert found.count("<article") == 1 and "case-00042</h2>" in found


# --- summary ------------------------------------------------------------------------------------------------------------


def test_the_summary_gives_the_quartiles_of_every_level(tmp_path):
    write_tables(tmp_path, cohort(tmp_path))
    table = summarise(tmp_path)
    discs = pandas.read_parquet(tmp_path / "measurements.parquet")
    for level in LEVELS:
        values = discs.loc[discs["level"] == level, "volume_mm3"]
        (row,) = table[(table["level"] == level) & (table["measurement"] == "volume_mm3")].to_dict("records")
        assert row["n"] == len(values) == 23
        assert [row[name] for name in ("p25", "median", "p75")] == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75]))
    assert files_below(tmp_path / "curves") == ["mean_height_mm.svg", "volume_mm3.svg"]
    assert "<svg" in (tmp_path / "curves" / "volume_mm3.svg").read_text()
    assert (tmp_path / "summary.csv").read_text().startswith("level,measurement,n,p5,p25,median,p75,p95\n")


def test_a_folder_without_measurements_has_no_summary(tmp_path, capsys):
    assert main(["cohort", "--summary", str(tmp_path)]) == 1
    assert "holds no measurements.parquet" in capsys.readouterr().err


# --- the command --------------------------------------------------------------------------------------------------------


def options(tmp_path, **more):
    given = {"output": tmp_path / "out", "only": "tables", "scheduler": None, "workers": 1, "memory_limit": "auto"}
    return argparse.Namespace(**{**given, "device": "cpu", "model": "default", "quiet": True, **more})


def test_tables_and_page_are_written_of_what_there_is_when_the_user_stops_it(tmp_path, monkeypatch):
    names = cohort(tmp_path / "out")

    def stopped(*_, **__):
        raise KeyboardInterrupt

    class Workers:
        def __enter__(self):
            return SimpleNamespace()

        def __exit__(self, *raised):
            return None

    monkeypatch.setattr("IVDSegmentationLib.cohort.run.run_cases", stopped)
    monkeypatch.setattr("IVDSegmentationLib.cohort.cluster.workers_of", lambda *_: Workers())
    with pytest.raises(KeyboardInterrupt):
        command.segment_cohort([CohortCase(name) for name in [*names, "not begun"]], options(tmp_path))
    assert len(pandas.read_parquet(tmp_path / "out" / "cases.parquet")) == 24
    assert "all 24" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.parametrize("name", ["index.html", "measurements.csv", "cases.parquet"])
def test_a_folder_with_somebody_elses_page_or_table_is_refused(tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("an expert's")
    with pytest.raises(OutputError, match=f"{name} in out is of no earlier cohort"):
        command.segment_cohort([CASE], options(tmp_path))
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_a_cohort_that_cannot_begin_leaves_nothing(tmp_path, monkeypatch):
    def no_scheduler(*_):
        raise InputError("there is no Dask scheduler")

    monkeypatch.setattr("IVDSegmentationLib.cohort.cluster.workers_of", no_scheduler)
    with pytest.raises(InputError, match="no Dask scheduler"):
        command.segment_cohort([CASE], options(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("only", ["labels", "all"])
def test_discs_that_an_expert_corrected_stay_and_the_case_says_so(tmp_path, pipeline, result, only):
    pipeline(result)
    for _ in range(2):  # what an earlier run wrote is replaced
        assert segment_case(CASE, Settings(tmp_path, only))["status"] == "done"
    discs = tmp_path / "cases" / "one" / "discs.nii.gz"
    discs.write_bytes(b"an expert's")
    row = segment_case(CASE, Settings(tmp_path, only))
    assert (
        row["status"] == "lost" and "discs.nii.gz in one is not as an earlier run of this program wrote it" in row["sentence"]
    )
    assert discs.read_bytes() == b"an expert's"


def test_label_maps_alone_take_the_place_of_a_whole_report(tmp_path, pipeline, result):
    pipeline(result)
    for only in ("all", "labels"):
        assert segment_case(CASE, Settings(tmp_path, only))["status"] == "done"
    left = {"case.json", "thumbnail.svg", "discs.nii.gz", "discs.seg.nrrd", "labels.json"}
    assert set(files_below(tmp_path / "cases" / "one")) == left


MEMORY = ("much", "-1", "1kB", "1e9", "9" * 400, "500MB")


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "in",
        "-o out",
        "in -o out --workers 0",
        "in -o out --only x",
        *(f"in -o out --memory-limit {size}" for size in MEMORY),
    ],
)
def test_wrong_usage_is_status_2(arguments, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["cohort", *arguments.split()])
    assert stop.value.code == 2


def test_without_the_extra_one_line_says_what_to_install_and_nothing_is_made(tmp_path, monkeypatch, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "water.nii.gz").write_bytes(b"")
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "distributed" else object())
    assert main(["cohort", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--quiet"]) == 1
    assert capsys.readouterr().err == 'ivdseg: a cohort needs distributed: pip install "ivdsegmentation[cohort]"\n'
    assert not (tmp_path / "out").exists()


def test_an_input_without_cases_is_one_line(tmp_path, capsys):
    assert main(["cohort", str(tmp_path), "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and "holds no case" in error[0] and not (tmp_path / "out").exists()


def test_the_command_hands_the_cases_on_under_their_pseudonyms(tmp_path, monkeypatch, capsys):
    (tmp_path / "in" / "Doe").mkdir(parents=True)
    (tmp_path / "in" / "Doe" / "water.nii.gz").write_bytes(b"")
    (tmp_path / "names.csv").write_text("case,pseudonym\nDoe,P1\n")
    given = []
    monkeypatch.setattr(command, "segment_cohort", lambda cases, options: given.extend(cases) or Progress(1, 0))
    arguments = ["cohort", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--pseudonyms", str(tmp_path / "names.csv")]
    assert main(arguments) == 0
    assert [case.name for case in given] == ["P1"] and "1 of 1 cases, 0 without a result" in capsys.readouterr().out


def test_a_retrained_model_of_the_same_name_is_another(tmp_path):
    from IVDSegmentationLib.networks.models import MODELS_FOLDER

    assert command.model_checksum("default") == command.model_checksum(str(MODELS_FOLDER / "default"))
    with pytest.raises(ModelError):
        command.model_checksum("none")

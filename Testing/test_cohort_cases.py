"""Which cases a cohort finds in tables, folders, BIDS data sets and DICOM archives; names, pseudonyms and fingerprints."""

import os

import numpy as np
import pytest
from dicom_objects import PHILIPS, frames_of, write_enhanced
from IVDSegmentationLib.cohort.case import CohortCase
from IVDSegmentationLib.cohort.find import find_cases, safe_name, with_pseudonyms
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images import Grid, Volume, write_volume
from test_dicom import STORED, WATER

GRID = Grid((36, 40, 40), (2.0, 1.25, 1.25), (0.0, 0.0, 0.0))
NOISE = np.random.default_rng(5).integers(1, 200, GRID.size).astype(np.int16)


def volume(path, empty=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    if empty:
        path.write_bytes(b"")
    else:
        write_volume(Volume(NOISE, GRID), path)
    return path


def write_volume_of(path, width):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(Volume(NOISE[:width], GRID.part((slice(0, width), slice(0, 40), slice(0, 40)))), path)


def names(cases):
    return [case.name for case in cases]


def test_every_folder_with_a_channel_is_a_case_named_by_its_path(tmp_path):
    for name in ("a/water.nii.gz", "a/fat.nii.gz", "b/deep/er/opp.nrrd", "b/deep/er/notes.txt", "c/discs.nii.gz"):
        volume(tmp_path / name, empty=True)
    cases = find_cases(tmp_path)
    assert names(cases) == ["a", "b_deep_er"]
    assert set(cases[0].files) == {"water", "fat"} and set(cases[1].files) == {"opposed_phase"}


def test_a_folder_that_is_itself_one_case(tmp_path):
    volume(tmp_path / "exam" / "water.nii.gz", empty=True)
    assert names(find_cases(tmp_path / "exam")) == ["exam"]


def test_subjects_and_sessions_of_bids_are_cases(tmp_path):
    (tmp_path / "dataset_description.json").write_text("{}")
    for subject, session in (("01", "a"), ("01", "b"), ("02", "a")):
        for channel in ("water", "fat", "inphase"):
            stem = f"sub-{subject}_ses-{session}_acq-dixon_rec-{channel}_T1w.nii.gz"
            volume(tmp_path / f"sub-{subject}" / f"ses-{session}" / "anat" / stem, empty=True)
    volume(tmp_path / "sub-03" / "anat" / "sub-03_T2w.nii.gz", empty=True)
    cases = find_cases(tmp_path)
    assert names(cases) == ["sub-01_ses-a", "sub-01_ses-b", "sub-02_ses-a"]
    assert set(cases[0].files) == {"water", "fat", "in_phase"}


def test_runs_of_bids_are_cases_where_there_are_several_and_derivatives_are_none(tmp_path):
    (tmp_path / "dataset_description.json").write_text("{}")
    for subject, runs in (("01", ("1", "2")), ("02", ("1",))):
        for run in runs:
            for channel in ("water", "fat"):
                name = f"sub-{subject}_ses-a_run-{run}_rec-{channel}_T1w.nii.gz"
                volume(tmp_path / f"sub-{subject}" / "ses-a" / "anat" / name, empty=True)
                volume(tmp_path / "derivatives" / "x" / f"sub-{subject}" / name, empty=True)
    cases = find_cases(tmp_path)
    assert names(cases) == ["sub-01_ses-a_run-1", "sub-01_ses-a_run-2", "sub-02_ses-a"]
    assert all(set(case.files) == {"water", "fat"} and not case.fault for case in cases)


def test_two_files_of_one_channel_are_a_case_that_says_so(tmp_path):
    volume(tmp_path / "a" / "water.nii.gz", empty=True)
    volume(tmp_path / "a" / "wat_2.nii.gz", empty=True)
    (case,) = find_cases(tmp_path)
    with pytest.raises(InputError, match="several of its files look like the water channel"):
        case.load()


def test_studies_of_a_dicom_archive_are_cases_whatever_folders_they_lie_in(tmp_path):
    held = {"p1/s1": ("water", "fat"), "p2/s1": ("water", "opposed_phase"), "p2/s2": ("in_phase",)}
    for folder, channels_held in held.items():
        (tmp_path / folder).mkdir(parents=True)
        channels = {channel: STORED[channel] for channel in channels_held}
        uid = "1.2.3.9" if folder.startswith("p2") else "1.2.3.8"
        write_enhanced(tmp_path / folder / "IM1", frames_of(channels, PHILIPS), study=uid)
    write_enhanced(tmp_path / "p1" / "s1" / "IM2", frames_of({"water": WATER + 1}, PHILIPS), study="1.2.3.7")
    (tmp_path / "p3").mkdir()
    write_enhanced(tmp_path / "p3" / "IM1", frames_of({"water": WATER}, {"water": ["A", "B", "M", "N"]}), description="t2")
    cases = {case.study: case for case in find_cases(tmp_path)}
    assert set(cases) == {"1.2.3.7", "1.2.3.8", "1.2.3.9"}
    assert sorted(names(cases.values())) == ["p1_s1", "p1_s1-2", "p2"]
    assert set(cases["1.2.3.9"].load().channels) >= {"in_phase", "opposed_phase", "water"}
    assert cases["1.2.3.7"].load().channels.keys() == {"water"} and cases["1.2.3.7"].load().dicom_files


def test_a_table_names_cases_files_and_levels(tmp_path):
    volume(tmp_path / "x" / "1.nii.gz", empty=True)
    table = tmp_path / "cohort.csv"
    table.write_text("case,water,fat,lowest_level,site\nB 7,x/1.nii.gz,,L5-S1,Bern\nA,x/1.nii.gz,x/2.nii.gz,,\nC,,,,\n")
    a, b, c = find_cases(table)
    assert (a.name, set(a.files), a.lowest_level) == ("A", {"water", "fat"}, None)
    assert (b.name, b.files["water"], b.lowest_level) == ("B_7", tmp_path / "x/1.nii.gz", "L5-S1")
    with pytest.raises(InputError, match="C has no file of any channel"):
        c.load()


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffcase;water;opposed_phase;lowest_level\r\nA 1;x/1.nii.gz;../in/x/2.nii.gz;L5-S1\r\n;;;\r\n",
        "Case\tWater\tOpposed-phase\tlowest level\nA 1\tx/1.nii.gz\t../in/x/2.nii.gz\tL5-S1\n",
        'case,water,opposed phase,lowest_level,remark\n"A 1","x/1.nii.gz",../in/x/2.nii.gz,L5-S1,"a ""no"";\nand left"\n',
        "case,water,Opposed_Phase,lowest_level\n A 1 , x/1.nii.gz ,../in/x/2.nii.gz,L5-S1,one more\n\n",
    ],
    ids=["spreadsheet with semicolons", "tabs", "quotes", "spaces, a cell too many, an empty line"],
)
def test_tables_are_read_as_spreadsheets_write_them(tmp_path, content):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cohort.csv").write_bytes(content.encode("utf-8"))
    (case,) = find_cases(tmp_path / "in" / "cohort.csv")
    assert (case.name, case.lowest_level, set(case.files)) == ("A_1", "L5-S1", {"water", "opposed_phase"})
    assert case.files["water"].resolve() == tmp_path / "in" / "x" / "1.nii.gz"
    assert case.files["opposed_phase"].resolve() == tmp_path / "in" / "x" / "2.nii.gz"


def test_a_file_that_a_table_names_and_is_not_there_is_a_sentence_of_its_case(tmp_path):
    (tmp_path / "cohort.csv").write_text("case,water\nA,none/1.nii.gz\nB,in\n")
    (tmp_path / "in").mkdir()
    for case, message in zip(find_cases(tmp_path / "cohort.csv"), (r"1\.nii\.gz", "in "), strict=True):
        with pytest.raises(InputError, match=message):
            case.load()
        assert case.fingerprint({})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"case,water,Water\na,b,c\n", "has two columns water"),
        (b"name,water\na,b\n", "has no column case"),
        (b"case,water\na,b\na,c\n", "line 3: a is there twice"),
        (b"case,water\n,b\n", "line 2: the case has no name"),
        (b"case,water,lowest_level\na,b,L9-L8\n", "L9-L8"),
        (b"case,water\n", "holds no case"),
        (b"", "has no column case"),
        (b"\xff\xfe\x00case", "cannot be read as a table"),
        (b'case,water\n"a,b\n', "cannot be read as a table"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, content, message):
    table = tmp_path / "cohort.csv"
    table.write_bytes(content)
    with pytest.raises(InputError, match=message):
        find_cases(table)


def test_an_input_without_a_case_or_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no case"):
        find_cases(tmp_path)
    with pytest.raises(InputError, match=r"^none does not exist"):
        find_cases(tmp_path / "none")


@pytest.mark.parametrize("name", ["../../etc", "a/b", "..", "", "x" * 300, "Ärzte & Söhne", ".hidden", "a\nb"])
def test_names_lead_nowhere_and_are_short(name):
    safe = safe_name(name)
    assert safe and "/" not in safe and not safe.startswith(".") and len(safe) <= 100 and safe.isascii()


def test_names_that_come_out_alike_are_numbered(tmp_path):
    for folder in ("a b", "a_b"):
        volume(tmp_path / folder / "water.nii.gz", empty=True)
    assert names(find_cases(tmp_path)) == ["a_b", "a_b-2"]
    volume(tmp_path / "a_b-2" / "water.nii.gz", empty=True)
    assert names(find_cases(tmp_path)) == ["a_b", "a_b-2", "a_b-3"]


# --- pseudonyms ---------------------------------------------------------------------------------------------------------


def people(tmp_path):
    volume(tmp_path / "in" / "Doe_Jane" / "water.nii.gz", empty=True)
    volume(tmp_path / "in" / "Roe_Max" / "Roe_Max_water.nii.gz", empty=True)
    return find_cases(tmp_path / "in")


def pseudonyms(tmp_path, content):
    (tmp_path / "names.csv").write_text(content)
    return tmp_path / "names.csv"


def test_pseudonyms_take_the_place_of_names_also_in_sentences(tmp_path):
    table = pseudonyms(tmp_path, "case,pseudonym\nDoe_Jane,P1\nRoe_Max,P2\n")
    cases = with_pseudonyms(people(tmp_path), table)
    assert names(cases) == ["P1", "P2"]
    for case in cases:
        with pytest.raises(InputError) as caught:
            case.load()
        own = "Doe_Jane" if case.name == "P1" else "Roe_Max"
        said = case.sentence(f"{caught.value} in {own}")
        assert own not in said and "the water file" in said and said.endswith(f"in {case.name}")


def test_findings_name_no_file_of_a_case_under_a_pseudonym(tmp_path):
    for name, size in (("Doe_Jane_water.nii.gz", 36), ("Doe_Jane_fat.nii.gz", 30)):
        write_volume_of(tmp_path / "in" / "Doe_Jane" / name, size)
    (case,) = with_pseudonyms(find_cases(tmp_path / "in"), pseudonyms(tmp_path, "case,pseudonym\nDoe_Jane,P1\n"))
    texts = [one.text() for one in case.load().findings]
    assert texts and texts[0].startswith("The fat channel (30x40x40 voxels) was resampled onto the grid of the water channel")
    assert not any("Doe" in text for text in texts)


def test_sentences_name_no_dicom_file_of_a_case_under_a_pseudonym(tmp_path):
    folder = tmp_path / "in" / "Doe_Jane"
    folder.mkdir(parents=True)
    write_enhanced(folder / "Doe_Jane_1.dcm", frames_of({"water": WATER}, PHILIPS)[:1])
    (case,) = with_pseudonyms(find_cases(tmp_path / "in"), pseudonyms(tmp_path, "case,pseudonym\nDoe_Jane,P1\n"))
    assert case.sentence("Doe_Jane_1.dcm of Doe_Jane has one slice") == "a file of P1 has one slice"


def test_sentences_name_the_folder_but_no_file_of_a_case_without_a_pseudonym(tmp_path):
    volume(tmp_path / "in" / "007" / "Doe_water.nii.gz", empty=True)
    (case,) = find_cases(tmp_path / "in")
    assert case.sentence("Doe_water.nii.gz of 007 is empty") == "the water file of 007 is empty"


def test_a_case_without_a_pseudonym_is_refused_without_naming_it(tmp_path):
    with pytest.raises(InputError, match="has no pseudonym for 1 of 2 cases") as caught:
        with_pseudonyms(people(tmp_path), pseudonyms(tmp_path, "case,pseudonym\nDoe_Jane,P1\n"))
    assert "Roe" not in str(caught.value)


def test_one_pseudonym_for_two_is_refused(tmp_path):
    table = pseudonyms(tmp_path, "case,pseudonym\nDoe_Jane,P1\nRoe_Max,P1\n")
    with pytest.raises(InputError, match="gives two cases the same pseudonym"):
        with_pseudonyms(people(tmp_path), table)


# --- fingerprints -------------------------------------------------------------------------------------------------------


def test_a_fingerprint_changes_with_inputs_and_settings_and_with_nothing_else(tmp_path):
    path = volume(tmp_path / "water.nii.gz", empty=True)
    case, settings = CohortCase("a", {"water": path}), {"only": "all", "model": "x"}
    before = case.fingerprint(settings)
    assert before == CohortCase("renamed", {"water": path}).fingerprint(settings)
    others = {
        before,
        case.fingerprint({"only": "all", "model": "y"}),
        CohortCase("a", {"in_phase": path}).fingerprint(settings),
        CohortCase("a", {"water": path}, lowest_level="L4-L5").fingerprint(settings),
    }
    os.utime(path, (1, 1))
    others.add(case.fingerprint(settings))
    path.write_bytes(b"longer")
    others.add(case.fingerprint(settings))
    assert len(others) == 6


def test_a_file_more_in_the_folder_of_a_study_changes_its_fingerprint(tmp_path):
    path = write_enhanced(tmp_path / "IM1", frames_of({"water": WATER}, PHILIPS), study="1.2")
    case = CohortCase("a", folders=(tmp_path,), study="1.2")
    before = case.fingerprint({})
    (tmp_path / "IM2").write_bytes(path.read_bytes())
    assert case.fingerprint({}) != before


@pytest.mark.parametrize("kind", ["a pipe", "a device", "endless"])
def test_a_table_that_is_none_is_refused_unopened(tmp_path, kind):
    table = tmp_path / "pseudonyms.csv"
    if kind == "a pipe":
        os.mkfifo(table)
    elif kind == "a device":
        table.symlink_to("/dev/zero")
    else:
        table.write_bytes(b"")
        os.truncate(table, 5 << 30)
    with pytest.raises(InputError, match=r"pseudonyms\.csv is (no file but|longer than)"):
        with_pseudonyms(people(tmp_path), table)

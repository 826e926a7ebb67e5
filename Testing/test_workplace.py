"""What a run writes is whole or not there, whoever ends the process and when; nobody's files but its own are replaced."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from IVDSegmentationLib.atomic import atomic_file, atomic_outputs, uninterrupted
from IVDSegmentationLib.errors import OutputError
from IVDSegmentationLib.report.output_folder import check_output_folder, checksums_of, outputs_of, place_outputs
from IVDSegmentationLib.workplace import PREFIX, clear_dead, workplace

LIBRARY = Path(__file__).resolve().parents[1] / "IVDSegmentation"
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def write_run(folder, discs="first", levels=("L5-S1",), overwrite=False):
    """What a run does to its folder."""
    with outputs_of(folder, overwrite=overwrite) as beside:
        (beside / "discs.nii.gz").write_text(discs)
        (beside / "surfaces").mkdir()
        for level in levels:
            (beside / "surfaces" / f"{level}.vtp").write_text(discs)
        report = {"versions": {"ivdseg": "1"}, "files": checksums_of(beside)}
        (beside / "report.json").write_text(json.dumps(report))


# --- whose files these are --------------------------------------------------------------------------------------------------


def test_a_run_replaces_what_an_earlier_run_wrote_and_removes_what_it_no_longer_writes(tmp_path):
    write_run(tmp_path / "out", "first", ("L5-S1", "L4-L5"))
    write_run(tmp_path / "out", "second", ("L4-L5", "L3-L4"))
    assert names(tmp_path / "out") == [
        "discs.nii.gz",
        "report.json",
        "surfaces",
        "surfaces/L3-L4.vtp",
        "surfaces/L4-L5.vtp",
    ]
    assert (tmp_path / "out" / "discs.nii.gz").read_text() == "second"


@pytest.mark.parametrize(
    "name", ["discs.nii.gz", "report.json", "report.html", "measurements.csv", "surfaces/L5-S1.vtp", "surfaces/S1-S2.vtp"]
)
def test_a_file_that_no_run_wrote_is_named_and_stays(tmp_path, name):
    (tmp_path / "surfaces").mkdir()
    (tmp_path / name).write_text("an expert's")
    with pytest.raises(OutputError, match=rf"{name} in .* is not as an earlier run of this program wrote it.*--overwrite"):
        check_output_folder(tmp_path)
    assert (tmp_path / name).read_text() == "an expert's"
    check_output_folder(tmp_path, overwrite=True)


def test_a_label_map_that_an_expert_has_corrected_is_no_longer_the_programs(tmp_path):
    write_run(tmp_path)
    (tmp_path / "discs.nii.gz").write_text("corrected")
    before = names(tmp_path)
    for refuse in (lambda: check_output_folder(tmp_path), lambda: write_run(tmp_path, "second")):
        with pytest.raises(OutputError, match=r"discs\.nii\.gz in"):
            refuse()
    assert (names(tmp_path), (tmp_path / "discs.nii.gz").read_text()) == (before, "corrected")
    write_run(tmp_path, "second", overwrite=True)
    assert (tmp_path / "discs.nii.gz").read_text() == "second"


def test_others_files_stay_even_where_theirs_are_replaced(tmp_path):
    (tmp_path / "surfaces").mkdir()
    for name in ("surfaces/femur.vtp", "surfaces/L1-L2.vtp", "notes.txt"):
        (tmp_path / name).write_text("theirs")
    write_run(tmp_path, overwrite=True)
    write_run(tmp_path, "second")
    assert names(tmp_path) == [
        "discs.nii.gz",
        "notes.txt",
        "report.json",
        "surfaces",
        "surfaces/L1-L2.vtp",
        "surfaces/L5-S1.vtp",
        "surfaces/femur.vtp",
    ]


REPORTS = {
    "another program's": b'{"patient": 7}',
    "no json": b"{",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "files that are none": b'{"versions": {"ivdseg": "1"}, "files": 5}',
}


@pytest.mark.parametrize("content", REPORTS.values(), ids=REPORTS)
def test_another_report_makes_no_file_the_programs(tmp_path, content):
    (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(OutputError, match=r"report\.json in"):
        check_output_folder(tmp_path)


@pytest.mark.parametrize("name", ["../kept", "/etc/passwd", "surfaces/../../kept", "..", "a/b/c"])
def test_a_report_that_lists_files_elsewhere_removes_none_of_them(tmp_path, name):
    out = tmp_path / "out"
    write_run(out)
    (tmp_path / "kept").write_text("kept")
    report = json.loads((out / "report.json").read_text())
    report["files"][name] = checksums_of(tmp_path)["kept"]
    (out / "report.json").write_text(json.dumps(report))
    write_run(out, "second")
    assert (tmp_path / "kept").read_text() == "kept"


def test_links_are_never_followed(tmp_path):
    out, theirs = tmp_path / "out", tmp_path / "theirs"
    out.mkdir()
    theirs.mkdir()
    (theirs / "L5-S1.vtp").write_text("theirs")
    (out / "surfaces").symlink_to(theirs)
    with pytest.raises(OutputError, match="surfaces in out is not as"):
        write_run(out)
    write_run(out, overwrite=True)
    assert (theirs / "L5-S1.vtp").read_text() == "theirs" and not (out / "surfaces").is_symlink()


def test_a_folder_of_an_outputs_name_is_never_replaced(tmp_path):
    (tmp_path / "discs.nii.gz").mkdir()
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"discs\.nii\.gz in .* is a folder"):
            check_output_folder(tmp_path, overwrite=overwrite)


@posix
def test_a_pipe_for_a_report_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "report.json")
    with pytest.raises(OutputError, match=r"report\.json in"):
        check_output_folder(tmp_path)


def test_a_way_over_a_folder_that_is_not_there_makes_no_such_folder(tmp_path):
    with atomic_outputs(tmp_path / "new" / ".." / "out", lambda made: ()) as beside:
        (beside / "a").write_text("a")
    assert names(tmp_path) == ["out", "out/a"]


@posix
def test_links_in_a_circle_and_endless_names_are_output_errors(tmp_path):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for name in ("circle/out", "x" * 300):
        with pytest.raises(OutputError):
            check_output_folder(tmp_path / name)


@posix
def test_a_name_that_libraries_cannot_take_is_an_output_error(tmp_path):
    for name in ("\udcff", "\udcff/out"):
        with pytest.raises(OutputError, match="characters that are not valid"):
            check_output_folder(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_copied_outputs_are_the_programs_too(tmp_path):
    write_run(tmp_path / "made")
    place_outputs(tmp_path / "made", tmp_path / "out")
    place_outputs(tmp_path / "made", tmp_path / "out")
    assert names(tmp_path / "out") == names(tmp_path / "made")


# --- whole or not there -----------------------------------------------------------------------------------------------------


def test_where_a_move_fails_everything_comes_back(tmp_path, monkeypatch):
    write_run(tmp_path, "first", ("L5-S1", "L4-L5"))
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path) if (tmp_path / name).is_file()}
    real = os.replace

    def replace(source, target):
        if Path(target) == tmp_path / "surfaces" / "L4-L5.vtp" and "made" in Path(source).parts:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OutputError, match="the disk is full"):
        write_run(tmp_path, "second", ("L5-S1", "L4-L5", "L3-L4"))
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path) if (tmp_path / name).is_file()} == before


def child(code, *arguments):
    """A process that runs code which says `ready` and waits."""
    environment = {**os.environ, "PYTHONPATH": f"{LIBRARY}:{Path(__file__).parent}"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout.readline() == "ready\n"
    return process


WRITING = """
import sys, time
from pathlib import Path
from IVDSegmentationLib.workplace import workplace
with workplace(Path(sys.argv[1])) as place:
    (place / "half").write_text("half")
    print("ready", flush=True)
    time.sleep(600)
"""
MOVING = """
import os, sys, time
from pathlib import Path
import IVDSegmentationLib.atomic as atomic
from test_workplace import write_run
real, moves = os.replace, []
def replace(source, target):
    if len(moves) == int(sys.argv[2]):
        print("ready", flush=True)
        time.sleep(600)
    moves.append(real(source, target))
os.replace = replace
write_run(Path(sys.argv[1]), "second", ("L5-S1", "L4-L5"))
"""


@posix
def test_what_a_killed_process_left_goes_with_the_next_one_and_what_a_living_one_writes_stays(tmp_path):
    dead, living = child(WRITING, tmp_path), child(WRITING, tmp_path)
    with workplace(tmp_path):
        assert len([name for name in names(tmp_path) if name.endswith("half")]) == 2
    dead.kill()
    dead.wait()
    with workplace(tmp_path):
        pass
    assert len([name for name in names(tmp_path) if name.endswith("half")]) == 1
    living.kill()
    living.wait()
    with atomic_file(tmp_path / "file.txt") as temporary:
        temporary.write_text("whole")
    assert names(tmp_path) == ["file.txt"]


def test_a_new_file_in_a_workplace_of_this_process_needs_none_of_its_own_and_is_whole_or_not_there(tmp_path):
    with workplace(tmp_path) as place:
        (place / "surfaces").mkdir()
        path = place / "surfaces" / "L5-S1.vtp"
        with atomic_file(path) as temporary:
            temporary.write_text("first")
            assert names(place) == ["surfaces", "surfaces/L5-S1.vtp"]
        with pytest.raises(KeyError), atomic_file(path) as temporary:  # it is there now: half of another must not replace it
            temporary.write_text("half")
            raise KeyError
        assert path.read_text() == "first"
        with pytest.raises(OutputError, match="L4-L5"), atomic_file(place / "L4-L5.vtp") as temporary:
            temporary.write_text("half")
            raise OSError("disk full")
        assert names(place) == ["surfaces", "surfaces/L5-S1.vtp"]


@posix
@pytest.mark.parametrize("moved", range(7))
def test_a_process_killed_while_it_moves_has_written_nothing(tmp_path, moved):
    write_run(tmp_path, "first", ("L5-S1", "L3-L4"))
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path) if (tmp_path / name).is_file()}
    process = child(MOVING, tmp_path, moved)
    process.kill()
    process.wait()
    clear_dead(tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path) if (tmp_path / name).is_file()} == before
    write_run(tmp_path, "third")
    assert (tmp_path / "discs.nii.gz").read_text() == "third"


def test_a_planted_workplace_moves_nothing_from_elsewhere(tmp_path):
    (tmp_path / "kept").write_text("kept")
    out = tmp_path / "out"
    place = out / f"{PREFIX}planted"
    place.mkdir(parents=True)
    (place / "moves").write_text(f"{place.name}/a\t../kept\n{place.name}/b\t{tmp_path}/kept\n\n\t\n")
    clear_dead(out)
    assert names(tmp_path) == ["kept", "out"]


@posix
def test_a_signal_waits_for_the_end_of_a_move():
    seen = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with uninterrupted():
            signal.raise_signal(signal.SIGTERM)
            assert seen == []
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)

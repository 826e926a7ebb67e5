"""The command line meets its user: one line whatever happens, no library's before it, and a true exit status."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from IVDSegmentationLib.cli import boundary
from IVDSegmentationLib.cli.commands import main
from IVDSegmentationLib.errors import InputError

LIBRARY = Path(__file__).resolve().parents[1] / "IVDSegmentation"
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX descriptors and signals")
EVALUATE = ["evaluate", "nowhere.nii.gz", "nowhere.nii.gz"]
ALONE = """
import os, sys, warnings
sys.argv[1:] = ["evaluate", "a.nii", "b.nii"]
from IVDSegmentationLib.cli import commands
def run(options):
    {body}
commands._evaluate = run
commands.entry()
"""
"""The command line in its own process with another command behind `evaluate`."""


def ivdseg(*arguments, code=None, **options):
    """Run the command line in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY), **options.pop("environment", {})}
    command = [sys.executable, *(["-c", code] if code else ["-m", "IVDSegmentationLib.cli"]), *map(str, arguments)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(command, env=environment, check=False, timeout=120, **options)


def raising(error):
    def command():
        raise error

    return command


FAULTS = {
    "a typed error": (InputError("water.nii is\nodd \x1b[31m"), r"ivdseg: water.nii is\nodd \x1b[31m"),
    "a library's": (ValueError("Patient^Name: 1e999"), "case: the program met a fault of its own, ValueError in cli/"),
    "recursion": (RecursionError(), "case: the program met a fault of its own, RecursionError"),
    "the system's": (PermissionError(13, "Permission denied", "/a/b/water.nii"), "water.nii cannot be used: permission denied"),
    "a full disk": (OSError(28, "No space left on device"), "ivdseg: the output could not be written: no space left on device"),
    "memory": (MemoryError(), "case: there was not enough memory"),
}


@pytest.mark.parametrize(("error", "shown"), FAULTS.values(), ids=FAULTS)
def test_any_exception_is_one_line_and_the_traceback_is_for_debug(capsys, error, shown):
    assert boundary.guarded(raising(error), "case") == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and shown in err
    assert "Patient" not in err and "/a/b" not in err
    assert boundary.guarded(raising(error), "case", debug=True) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_the_program_says_where_to_report_it_and_in_which_line_it_happened(capsys):
    def fault():
        boundary.guarded(None, "inner")  # type: ignore[arg-type]
        boundary._place(3)  # type: ignore[arg-type]

    boundary.guarded(fault, "case")
    err = capsys.readouterr().err.splitlines()
    assert all(boundary.ISSUES in line and "cli/boundary.py:" in line for line in err) and len(err) == 2


def test_the_keyboard_stops_a_command_with_status_130(capsys):
    assert boundary.guarded(raising(KeyboardInterrupt()), "case") == 130
    assert capsys.readouterr().err == "ivdseg: stopped\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["segment", "", "-o", "out"],
        ["segment", "case", "-o", ""],
        ["segment", "case", "-o", "out", "--water", ""],
        ["segment", "case", "-o", "out", "--reference", ""],
        ["evaluate", "", "b.nii"],
        ["phantom", "p", "--seed", "-1"],
        ["phantom", "p", "--seed", "1e3"],
        ["phantom", "p", "--seed", "9" * 5000],
        ["check", "--phantoms", "-3"],
        ["check", "--phantoms", "0"],
        ["check", "--first-seed", "-1"],
        ["train", "segmenter", "-o", "out", "--steps", "0"],
        ["train", "segmenter", "-o", "out", "--seed", "-7"],
        ["train", "segmenter", "-o", "out", "--seed", str(2**32)],
    ],
)
def test_empty_names_and_numbers_below_zero_are_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "error: argument" in capsys.readouterr().err


def test_a_folder_that_is_gone_under_our_feet_is_said(tmp_path, capsys, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(EVALUATE) == 1
    assert capsys.readouterr().err == "ivdseg: the current folder no longer exists: change to another one\n"


NAMES = [
    "x" * 300,
    "\x1b[2J\x07",
    "two\nlines",
    "\u202egnp",
    "\U0001f480",
    os.fsdecode(b"\xff\xfe"),
    "~",
    "-",
    "%s%n",
    "a" * 5000,
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_that_is_not_there_is_one_line(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ["segment", f"./{name}", "-o", "out"],
        ["segment", str(tmp_path), "-o", "out", "--water", f"./{name}.nii"],
        ["segment", str(tmp_path), "-o", "out", "--reference", f"./{name}.nii"],
        ["evaluate", f"./{name}", "b.nii"],
        ["evaluate", f"./{name}.nii", f"./{name}.nii"],
    ):
        assert main(arguments) == 1
        err = capsys.readouterr().err
        assert err.startswith("ivdseg: ") and err[:-1].isprintable() and err.endswith("\n"), err
        assert "fault of its own" not in err
        assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "2>&-", "2>/dev/full", ">&- 2>&-", "<&-"])
def test_closed_and_full_streams_change_nothing_but_what_is_shown(tmp_path, redirection):
    command = f'"{sys.executable}" -m IVDSegmentationLib.cli evaluate nowhere.nii nowhere.nii {redirection}'
    done = subprocess.run(
        ["sh", "-c", command], env={**os.environ, "PYTHONPATH": str(LIBRARY)}, cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr in (b"", b"ivdseg: nowhere.nii does not exist: check the name\n")
    assert ("2>" in redirection) == (done.stderr == b"")


@posix
def test_a_result_that_nobody_can_be_shown_is_an_error(tmp_path):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = ivdseg(code=ALONE.format(body="print('table')"), stdout=full)
        full_disk = b"the output could not be written: no space left on device\n"
        assert (done.returncode, done.stderr) == (1, b"ivdseg: " + full_disk)
        done = ivdseg(code=ALONE.format(body="commands.tell('done')"), stdout=full)
        assert (done.returncode, done.stderr) == (0, b"warning: " + full_disk)


def test_a_report_that_nobody_can_be_shown_leaves_the_folder_as_it_was(tmp_path):
    """`segment --json` says what it wrote: where that cannot be said, nothing is written."""
    body = """
    from IVDSegmentationLib.report.output_folder import outputs_of
    with outputs_of(Path("out")) as beside:
        (beside / "report.json").write_text("{}")
        boundary.show("{}")"""
    imports = "\n    from pathlib import Path\n    from IVDSegmentationLib.cli import boundary"
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = ivdseg(code=ALONE.format(body=imports + body), stdout=full, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, b"ivdseg: the output could not be written: no space left on device\n")
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["segment", "--help"]])
def test_help_that_nobody_can_be_shown_is_an_error(arguments):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = ivdseg(*arguments, stdout=full)
    assert (done.returncode, done.stderr) == (1, b"ivdseg: the output could not be written: no space left on device\n")


def test_a_signal_that_a_command_takes_as_an_exception_has_its_own_status(capsys):
    assert boundary.guarded(raising(KeyboardInterrupt(signal.SIGTERM)), "case") == 143
    assert capsys.readouterr().err == "ivdseg: stopped\n"


def test_wrong_usage_is_said_in_visible_characters(capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "a", "b", "\x1b[2J\x07", "two\nlines"])
    err = capsys.readouterr().err
    assert r"unrecognized arguments: \x1b[2J\x07 two\nlines" in err and "\x1b" not in err


def test_before_signals_are_caught_nothing_of_the_library_is_imported():
    code = (
        "import sys; before = set(sys.modules); import IVDSegmentationLib.cli.start; print(*sorted(set(sys.modules) - before))"
    )
    done = ivdseg(code=code)
    assert set(done.stdout.decode().split()) == {"IVDSegmentationLib", "IVDSegmentationLib.cli", "IVDSegmentationLib.cli.start"}


def test_letters_that_an_ascii_terminal_has_not_are_escaped(tmp_path):
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = ivdseg("evaluate", "wä\U0001f480.nii", "b.nii", environment=ascii_only, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1 and done.stderr.isascii()
    done = ivdseg(code=ALONE.format(body=r"print('1 \xb1 2'); commands.say('1 \xb1 2')"), environment=ascii_only)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"1 \\xb1 2\n", b"1 \\xb1 2\n")


NOISE = """os.write(2, b'nifti_clib\\n'); warnings.warn('numpy'); print('ours'); os.system('echo vtk >&2')
    import logging; logging.warning('tensorflow'); import threading
    thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()"""


@posix
def test_what_libraries_write_is_for_debug_alone():
    code = ALONE.format(body=NOISE)
    done = ivdseg(code=code, environment={"PYTHONWARNINGS": "error"})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"ours\n", b"")
    done = ivdseg(code=code.replace('"b.nii"]', '"b.nii", "--debug"]'))
    assert all(word in done.stderr for word in (b"nifti_clib", b"vtk", b"numpy", b"tensorflow", b"ZeroDivisionError"))


def test_settings_that_have_libraries_write_to_stdout_are_without_effect():
    code = ALONE.format(body='print([name for name in os.environ if "VERBOSE" in name])')
    assert ivdseg(code=code, environment={"ONEDNN_VERBOSE": "2", "MKL_VERBOSE": "1"}).stdout == b"[]\n"


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_one_line_and_leaves_nothing(tmp_path, number):
    body = """
    import tempfile, time
    from pathlib import Path
    from IVDSegmentationLib.report.output_folder import outputs_of
    with outputs_of(Path("new/out")) as beside:
        (beside / "half").write_text("half")
        tempfile.mkdtemp()
        print("ready", flush=True)
        try:
            time.sleep(600)
        except BaseException:
            os._exit(0)"""
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", ALONE.format(body=body)],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509  below nohup it would be ignored, as it should
    )
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (128 + number, b"", b"ivdseg: stopped\n")
    assert list(tmp_path.iterdir()) == []


def catches(pid, number):
    """Whether a process has a handler for a signal; Python itself has none for SIGTERM."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_sigint_at_any_moment_is_one_line_and_status_130(tmp_path):
    """At moments spread over the run from the first one at which Python has handed over to the command."""
    start = "import sys; sys.argv[0] = 'ivdseg'; from IVDSegmentationLib.cli.start import main; main()"  # as the script does
    command = [sys.executable, "-c", start, "phantom", str(tmp_path / "case")]
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY), "TMPDIR": str(tmp_path)}
    for delay_s in (0.0, 0.02, 0.1, 0.2, 0.4, 0.8):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not catches(process.pid, signal.SIGTERM):
            time.sleep(0.001)
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
        assert (process.returncode, err) in ((130, b"ivdseg: stopped\n"), (0, b""))
        assert process.returncode == 130 or delay_s > 0.2, "it cannot have been done by then"
        assert not any(name.startswith(".ivdseg") for name in os.listdir(tmp_path))


def test_nothing_is_left_among_temporary_files(tmp_path):
    assert ivdseg("evaluate", "a.nii", "b.nii", environment={"TMPDIR": str(tmp_path)}).returncode == 1
    assert list(tmp_path.iterdir()) == []
    assert tempfile.tempdir != str(tmp_path)

"""The harness's application, modules, boxes, sample data and packaging behave as Slicer's do, tried there."""

import subprocess
import sys

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
from slicer_harness import sources
from slicer_harness.application import QSettings, ScriptedModule, as_started
from slicer_harness.boot import boot
from slicer_harness.boxes import BOXES, CURSORS
from slicer_harness.printed import take_printed

boot()

import qt  # noqa: E402

MODULE = """
from slicer.ScriptedLoadableModule import *  # noqa: E402
log = []
class {name}(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Probe"
        {constructor}
class {name}Widget(ScriptedLoadableModuleWidget):
    def setup(self):
        log.append(("setup", self.parent.isEntered))
        ScriptedLoadableModuleWidget.setup(self)
        {setup}
    def enter(self):
        log.append(("enter", self.parent.isEntered))
    def exit(self):
        log.append(("exit", self.parent.isEntered))
    def cleanup(self):
        log.append(("cleanup",))
class {name}Test(ScriptedLoadableModuleTest):
    def runTest(self):
        log.append(("test", self.messageDelay))
"""


@pytest.fixture
def make(tmp_path):
    """Writes a module of this name and finds it as Slicer does; None where it is refused."""
    made = []

    def module(name, constructor="pass", setup="pass"):
        path = tmp_path / f"{name}.py"
        path.write_text(MODULE.format(name=name, constructor=constructor, setup=setup), encoding="utf-8")
        one = ScriptedModule(name, path)
        if not one.load():
            return None
        made.append(one)
        return one

    yield module
    for one in made:
        one.unload()
    take_printed()
    as_started(slicer.app, testing=False, main_window=True)
    QSettings.held.clear()


def log_of(name):
    return sys.modules[name].log


def test_a_module_is_known_by_three_names(make):
    module = make("ProbeKnown")
    assert slicer.modules.probeknown is module
    assert type(slicer.modules.ProbeKnownInstance).__name__ == "ProbeKnown"
    slicer.selfTests["ProbeKnown"](msec=7)
    assert log_of("ProbeKnown") == [("test", 7)]


@pytest.mark.parametrize(
    "constructor", ["parent.titel = 'x'", "parent.name = 'x'", "parent.path = 'x'", "parent.title = ''", "1 / 0"]
)
def test_a_module_with_a_wrong_constructor_is_absent(make, constructor):
    assert make("ProbeAbsent", constructor) is None
    assert not hasattr(slicer.modules, "probeabsent")


def test_lists_of_a_module_come_back_as_tuples(make):
    assert make("ProbeLists", "parent.categories = ['a', 'b']").categories == ("a", "b")


def test_a_panel_is_set_up_then_entered_and_knows_that_it_is(make):
    widget = make("ProbePanel").widgetRepresentation()
    assert widget.name == "ProbePanelModuleWidget"
    assert widget.mrmlScene() is slicer.mrmlScene
    widget.enter()
    widget.exit()
    assert log_of("ProbePanel") == [("setup", False), ("enter", True), ("exit", False)]
    with pytest.raises(AttributeError):
        widget.ours = 1


def test_nothing_is_entered_twice_in_a_row(make):
    widget = make("ProbeTwice").widgetRepresentation()
    widget.enter()
    with pytest.raises(AssertionError):
        widget.enter()


def test_a_failed_setup_is_printed_and_the_half_made_panel_is_entered(make):
    widget = make("ProbeFailed", setup="raise RuntimeError('not set up')").widgetRepresentation()
    assert take_printed() == ["RuntimeError: not set up"]
    widget.enter()
    assert log_of("ProbeFailed") == [("setup", False), ("enter", True)]
    assert slicer.modules.ProbeFailedWidget is widget.self()


def test_reload_cleans_up_sets_up_and_does_not_enter(make):
    module = make("ProbeReload")
    widget = module.widgetRepresentation()
    widget.enter()
    old, old_log = widget.self(), log_of("ProbeReload")
    slicer.util.reloadScriptedModule("ProbeReload")
    assert old_log == [("setup", False), ("enter", True), ("cleanup",)]
    assert log_of("ProbeReload") == [("setup", True)]
    assert widget.isEntered
    assert module.widgetRepresentation() is widget
    assert slicer.modules.ProbeReloadWidget is widget.self() is not old
    slicer.selfTests["ProbeReload"]()
    assert log_of("ProbeReload")[-1] == ("test", 100)


def test_unloading_cleans_up_once_and_takes_the_names_away(make):
    module = make("ProbeUnload")
    module.widgetRepresentation()
    module.unload()
    module.unload()
    assert log_of("ProbeUnload")[1:] == [("cleanup",)]
    assert not hasattr(slicer.modules, "ProbeUnloadWidget")
    assert "ProbeUnload" not in slicer.selfTests


@pytest.mark.skipif(sources.FOLDER is not None, reason="Slicer's own section needs menus that the harness does not have")
@pytest.mark.parametrize("developer", [False, True])
def test_developers_find_a_section_on_top(make, developer):
    QSettings.held["Developer/DeveloperMode"] = developer
    widget = make("ProbeDeveloper").widgetRepresentation()
    sections = [child for child in widget.children() if child.metaObject().className() == "ctkCollapsibleButton"]
    assert [section.text for section in sections] == (["Reload && Test"] if developer else [])


def test_an_exception_in_a_slot_is_printed_and_reaches_no_caller():
    button, heard = qt.QPushButton(), []
    button.connect("clicked(bool)", lambda checked, more: None)
    button.connect("clicked(bool)", lambda: heard.append(1) or 1 / 0)
    button.connect("clicked(bool)", lambda: heard.append(2))
    button.click()
    assert heard == [1, 2]
    assert [line.partition(":")[0] for line in take_printed()] == ["TypeError", "ZeroDivisionError"]


def test_a_handler_of_the_applications_start_that_fails_leaves_the_others(capsys):
    heard = []
    fails, works = lambda: 1 / 0, lambda: heard.append(1)
    slicer.app.connect("startupCompleted()", fails)
    slicer.app.connect("startupCompleted()", works)
    slicer.app.emit("startupCompleted()")
    assert slicer.app.disconnect("startupCompleted()", fails)
    assert slicer.app.disconnect("startupCompleted()", works)
    assert not slicer.app.disconnect("startupCompleted()", works)
    assert heard == [1]
    assert take_printed() == ["ZeroDivisionError: division by zero"]


def test_an_exception_in_an_observer_is_printed():
    node = slicer.vtkMRMLScriptedModuleNode()
    node.AddObserver("ModifiedEvent", lambda *_: 1 / 0)
    node.Modified()
    assert take_printed() == ["ZeroDivisionError: division by zero"]


def test_the_application_has_no_attributes_to_set():
    with pytest.raises(AttributeError):
        slicer.app.testing = True


def test_timers_tick_while_a_box_is_open_which_has_no_wait_cursor_but_in_slicer_5_10():
    heard = []
    timer = qt.QTimer()
    timer.setInterval(10)
    timer.connect("timeout()", lambda: heard.append(1))
    timer.start()
    BOXES.shown.clear()
    slicer.app.setOverrideCursor(qt.Qt.WaitCursor)
    slicer.util.errorDisplay("text")
    timer.stop()
    assert heard
    assert [qt.Qt.WaitCursor] == CURSORS
    # Slicer 5.10 leaves the wait cursor above a box.
    assert BOXES.shown[-1]["cursors"] == ([] if hasattr(slicer.util, "_temporaryNormalCursor") else [qt.Qt.WaitCursor])
    slicer.app.restoreOverrideCursor()


def test_errors_are_shown_and_raised_and_the_cursor_taken_back():
    BOXES.shown.clear()
    with pytest.raises(ZeroDivisionError), slicer.util.tryWithErrorDisplay("It failed.", waitCursor=True):
        1 / 0  # noqa: B018
    assert BOXES.texts == ["It failed.\n\ndivision by zero"]
    assert "Traceback" in BOXES.shown[0]["detailed"]
    assert CURSORS == []


@pytest.mark.parametrize("settings", [{"testing": True}, {"main_window": False}])
def test_no_box_is_shown_in_testing_and_without_a_main_window(settings):
    BOXES.shown.clear()
    as_started(slicer.app, **settings)
    slicer.util.errorDisplay("text")
    answer = slicer.util.confirmOkCancelDisplay("question") if settings.get("testing") else False
    as_started(slicer.app, testing=False, main_window=True)
    assert answer is False  # although the text in the log promises otherwise
    assert BOXES.texts == []


def test_slicer_has_no_dicom_database_before_it_has_started(tmp_path):
    script = "from slicer_harness.boot import boot; boot(); import slicer; print(hasattr(slicer, 'dicomDatabase'))"
    script += "; slicer.app.emit('startupCompleted()'); print(hasattr(slicer, 'dicomDatabase'))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=_TESTING, timeout=120)
    assert done.stdout.split()[-2:] == ["False", "True"]


_TESTING = __file__.rpartition("/")[0]


def register(**more):
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(category="Probe", sampleName="probe", **more)
    return SampleData.SampleDataLogic.sampleDataSourcesByCategory("Probe")


@pytest.fixture
def no_samples():
    yield
    slicer.modules.sampleDataSources.pop("Probe", None)


def test_a_sample_without_uris_is_refused_and_leaves_an_empty_category(no_samples):
    import SampleData

    with pytest.raises(TypeError):
        register(customDownloader=print)
    assert SampleData.SampleDataLogic.sampleDataSourcesByCategory()["Probe"] == []


def test_a_sample_is_one_button_only_where_everything_in_it_is_the_same(no_samples):
    for _ in range(2):
        sources = register(uris=[], fileNames=[], customDownloader=print)
    assert len(sources) == 1
    for _ in range(2):
        sources = register(uris=[], fileNames=[], customDownloader=lambda source: None)
    assert len(sources) == 3


def test_a_sample_that_is_asked_for_by_name_is_not_made_by_its_downloader(no_samples):
    import SampleData

    called = []
    register(uris=[], fileNames=[], customDownloader=called.append)
    assert SampleData.downloadSamples("probe") == []
    with pytest.raises(IndexError):
        SampleData.downloadSample("probe")
    assert called == []


@pytest.fixture
def packaging(monkeypatch):
    module = pytest.importorskip("slicer.packaging")
    if not hasattr(module, "restart_asked"):
        pytest.skip("Slicer's own files would install")
    monkeypatch.setattr(module, "calls", [])
    monkeypatch.setattr(module, "answer", lambda requirements: None)
    monkeypatch.setattr(module, "restart_asked", 0)
    BOXES.shown.clear()
    return module


def test_requirements_are_objects_and_a_comment_behind_one_is_an_error(packaging, tmp_path):
    from packaging.requirements import InvalidRequirement, Requirement

    (tmp_path / "good.txt").write_text("# why\ntqdm>=4\n-r other.txt\n", encoding="utf-8")
    assert packaging.load_requirements(tmp_path / "good.txt") == [Requirement("tqdm>=4")]
    (tmp_path / "bad.txt").write_text("tqdm>=4  # why\n", encoding="utf-8")
    with pytest.raises(InvalidRequirement):
        packaging.load_requirements(tmp_path / "bad.txt")


def test_what_is_missing_is_installed_and_slicer_asks_to_restart(packaging):
    packaging.pip_ensure(["pytest", "no-such-distribution"], prompt_install=False)
    assert [call["requirements"] for call in packaging.calls] == [["no-such-distribution"]]
    assert packaging.restart_asked == 1


def test_a_no_is_an_error(packaging):
    BOXES.answers.append(BOXES.CANCEL)
    with pytest.raises(RuntimeError, match="declined"):
        packaging.pip_ensure(["no-such-distribution"])


def test_pip_that_fails_is_slicers_own_box_and_an_error(packaging, monkeypatch):
    def fails(requirements):
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(packaging, "answer", fails)
    with pytest.raises(subprocess.CalledProcessError):
        packaging.pip_install("no-such-distribution")
    assert BOXES.texts == ["Package installation failed."]


def test_in_testing_only_pip_ensure_installs_nothing(packaging):
    as_started(slicer.app, testing=True)
    packaging.pip_ensure(["no-such-distribution"])
    assert packaging.calls == []
    packaging.pip_install(["no-such-distribution"])
    as_started(slicer.app, testing=False)
    assert len(packaging.calls) == 1

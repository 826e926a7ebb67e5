"""The panel without a run: finding and loading volumes, what is lacking, bad inputs, settings, sample data, setting up."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
import vtk
from IVDSegmentationLib.findings import finding
from IVDSegmentationLib.images import Grid, Volume, write_volume
from IVDSegmentationLib.slicer import setup as slicer_setup
from slicer_harness.application import as_started
from slicer_harness.boxes import BOXES, QFileDialog
from slicer_harness.person import PHANTOM, Person, result_nodes, scene_state
from slicer_harness.pip import replaced_pip

CONTROLS = ("QPushButton", "QComboBox", "QCheckBox", "QProgressBar", "QLabel", "qMRMLNodeComboBox")
SELECTORS = {
    "water": "waterSelector",
    "fat": "fatSelector",
    "in_phase": "inPhaseSelector",
    "opposed_phase": "opposedPhaseSelector",
}
HARNESS = "import sys; sys.path[:0] = [{testing!r}, {module!r}]\n"


@pytest.fixture
def person():
    return Person()


def chosen(person):
    nodes = {channel: getattr(person.ui, name).currentNode() for channel, name in SELECTORS.items()}
    return {channel: node for channel, node in nodes.items() if node is not None}


def test_every_control_has_a_tooltip_and_every_selector_a_parameter(person):
    controls = [widget for widget in vars(person.ui).values() if widget.className() in CONTROLS]
    assert len(controls) > 20
    assert [widget.name for widget in controls if not widget.toolTip] == []
    bound = {widget.property("SlicerParameterName") for widget in controls} - {None}
    assert bound == {"water", "fat", "inPhase", "opposedPhase", "reference", "lowestLevel", "device", "keepResults"}


def test_the_panel_says_research_use_only(person):
    assert "Research use only" in person.ui.researchMessage.text


def test_a_disabled_segment_says_what_is_missing(person):
    button, nodes = person.ui.segmentButton, person.load("water", "fat")
    message = person.ui.lackingMessage
    assert not button.enabled
    assert "water, in-phase or opposed-phase volume first" in button.toolTip
    assert (message.isHidden(), message.text) == (False, button.toolTip)
    person.ui.fatSelector.choose(nodes["fat"])
    assert not button.enabled
    assert "fat alone" in button.toolTip
    person.ui.waterSelector.choose(nodes["fat"])
    assert not button.enabled
    assert "two channels" in button.toolTip
    assert (message.isHidden(), message.text) == (False, button.toolTip)
    person.ui.waterSelector.choose(nodes["water"])
    assert button.enabled
    assert message.isHidden()


def test_volumes_are_found_by_name(person):
    names = {"water": "t1_vibe_dixon_W", "fat": "t1_vibe_dixon_F", "in_phase": "07 inn", "opposed_phase": "07 opp"}
    nodes = person.load(*names, names=names)
    person.click(person.ui.findButton)
    assert chosen(person) == nodes
    assert person.ui.inputsMessage.text == "Found: water, fat, in-phase, opposed-phase."


def test_volumes_are_found_by_dicom_tags_rather_than_names(person):
    names = {"water": "5: lumbar", "fat": "6: lumbar water?"}
    nodes = person.load(*names, names=names)
    for uid, (channel, word) in enumerate({"water": "WATER", "fat": "FAT"}.items()):
        nodes[channel].SetAttribute("DICOM.instanceUIDs", f"1.2.{uid} 1.2.99")
        slicer.dicomDatabase.tags[f"1.2.{uid}", "0008,0008"] = f"DERIVED\\PRIMARY\\DIXON\\{word}"
    person.click(person.ui.findButton)
    assert chosen(person) == nodes


def test_several_candidates_for_a_channel_are_named_and_not_chosen(person):
    one = person.load("water", "fat", names={"water": "a_water", "fat": "a_fat"})
    person.load("water", names={"water": "b_water"})
    person.click(person.ui.findButton)
    assert chosen(person) == {"fat": one["fat"]}
    assert person.ui.inputsMessage.text == "2 volumes look like the water channel (a_water, b_water): choose one."


def test_nothing_found_is_said(person):
    person.load("water", names={"water": "T2 sagittal"})
    person.click(person.ui.findButton)
    assert chosen(person) == {}
    assert "choose them yourself" in person.ui.inputsMessage.text


def test_entering_fills_empty_selectors_and_no_others(person):
    nodes = person.load("water", "fat")
    person.panel.parent.exit()
    person.panel.parent.enter()
    assert chosen(person) == nodes
    person.ui.fatSelector.choose(None)
    person.panel.parent.exit()
    person.panel.parent.enter()
    assert chosen(person) == {"water": nodes["water"]}


def test_volumes_that_arrive_while_the_panel_is_open_fill_it(person):
    nodes = person.load("water", "fat")
    person.wait(lambda: chosen(person) == nodes, limit_s=10)


def test_label_maps_are_no_channels(person):
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "water")
    person.click(person.ui.findButton)
    assert chosen(person) == {}
    assert person.ui.waterSelector.offered() == []


def write_case(folder, *channels):
    folder.mkdir()
    for channel in channels:
        write_volume(Volume(PHANTOM.channels[channel], PHANTOM.grid), folder / f"{channel}.nii.gz")
    return folder


def test_a_folder_is_loaded_and_segmented_under_its_name(person, tmp_path):
    QFileDialog.folder = str(write_case(tmp_path / "case 12", "water", "fat", "opposed_phase"))
    person.click(person.ui.loadFolderButton)
    assert set(chosen(person)) == {"water", "fat", "opposed_phase"}
    water = chosen(person)["water"]
    assert np.array_equal(slicer.util.arrayFromVolume(water).T, PHANTOM.channels["water"])
    bounds = [0.0] * 6
    water.GetRASBounds(bounds)
    corner = np.array(PHANTOM.grid.origin_mm) - np.array(PHANTOM.grid.spacing_mm) / 2
    assert np.allclose([bounds[1], bounds[3], bounds[4]], corner * [-1, -1, 1], atol=1e-3)
    person.segment()
    assert person.worker.requests[0]["name"] == "case 12"


def test_a_cancelled_folder_dialog_changes_nothing(person):
    before = scene_state()
    person.click(person.ui.loadFolderButton)
    assert scene_state() == before
    assert person.boxes == []


BAD_VOXELS = {"complex": np.ones((9, 9, 9), np.complex64), "4D": np.arange(1458).reshape(2, 9, 9, 9)}


@pytest.mark.parametrize("content", ["nothing", "text", "two waters", "damaged", *BAD_VOXELS])
def test_a_folder_that_holds_no_case_is_one_box_and_nothing_loaded(person, tmp_path, content):
    folder = tmp_path / "case"
    if content in ("two waters", "damaged"):
        write_case(folder, "water")
        if content == "two waters":
            (folder / "wat.nii.gz").write_bytes((folder / "water.nii.gz").read_bytes())
        else:
            (folder / "water.nii.gz").write_bytes((folder / "water.nii.gz").read_bytes()[:3000])
    else:
        folder.mkdir()
        if content == "text":
            (folder / "notes.txt").write_text("water")
        elif content in BAD_VOXELS:
            sitk.WriteImage(sitk.GetImageFromArray(BAD_VOXELS[content], isVector=False), str(folder / "water.nii.gz"))
    before = scene_state()
    QFileDialog.folder = str(folder)
    person.click(person.ui.loadFolderButton)
    (text,) = person.boxes
    assert "\n" not in text
    assert str(tmp_path) not in text
    assert scene_state() == before


def spoil(node, kind):
    if kind == "vector":
        image = vtk.vtkImageData()
        image.SetDimensions(node.GetImageData().GetDimensions())
        image.AllocateScalars(vtk.VTK_FLOAT, 3)
        image.GetPointData().GetScalars().Fill(0.0)
        node.SetAndObserveImageData(image)
    elif kind == "sheared":
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        matrix.SetElement(0, 1, 0.9)
        node.SetIJKToRASMatrix(matrix)
    elif kind == "no image":
        node.SetAndObserveImageData(None)
    elif kind == "warped":
        warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "warp")
        warp.SetAndObserveTransformFromParent(slicer.vtkOrientedBSplineTransform())
        node.SetAndObserveTransformNodeID(warp.GetID())


@pytest.mark.parametrize("kind", ["vector", "sheared", "no image", "warped"])
def test_a_volume_that_cannot_be_handed_over_is_one_box_of_one_sentence(person, kind):
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    spoil(nodes["water"], kind)
    before = scene_state()
    person.click(person.ui.segmentButton)
    (text,) = person.boxes
    assert text.startswith("water ")
    assert "\n" not in text
    assert not person.logic.running
    assert scene_state() == before
    assert person.ui.segmentButton.text == "&Segment"


def test_settings_come_back_with_a_saved_scene(person):
    nodes = person.load("water", "in_phase")
    person.ui.waterSelector.choose(nodes["water"])
    person.ui.inPhaseSelector.choose(nodes["in_phase"])
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    person.ui.deviceBox.setCurrentText("processor")
    person.click(person.ui.keepResultsBox)
    scene = slicer.mrmlScene
    scene.SetSaveToXMLString(1)
    scene.Commit()
    saved = scene.GetSceneXMLString()
    scene.SetSaveToXMLString(0)
    scene.Clear(0)
    assert person.ui.lowestLevelBox.currentText == "automatic"
    scene.SetLoadFromXMLString(1)
    scene.SetSceneXMLString(saved)
    scene.Import()
    scene.SetLoadFromXMLString(0)
    assert {channel: node.GetName() for channel, node in chosen(person).items()} == {
        "water": "water",
        "in_phase": "in_phase",
    }
    assert person.ui.lowestLevelBox.currentText == "L4-L5"
    assert person.ui.deviceBox.currentText == "processor"
    assert person.ui.keepResultsBox.checked


def test_options_reach_the_worker_and_warnings_the_user(person):
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    person.ui.deviceBox.setCurrentText("processor")
    person.segment()
    request = person.worker.requests[0]
    assert (request["lowest"], request["device"], request["reference"]) == ("L4-L5", "cpu", None)
    assert person.ui.warningsMessage.text.splitlines()[0] == f"⚠ {finding('spine_faint').text()}"
    assert person.ui.resultsMessage.text.startswith(f"{len(np.unique(PHANTOM.labels)) - 1} discs")


def test_the_sample_case_is_offered_and_made_here(person):
    import SampleData

    (source,) = SampleData.SampleDataLogic.sampleDataSourcesByCategory("IVD Segmentation")
    assert source.sampleName == "Dixon lumbar phantom"
    assert Path(source.thumbnailFileName).is_file()
    nodes = source.customDownloader(source)
    assert [node.GetClassName() for node in nodes].count("vtkMRMLScalarVolumeNode") == 4
    person.click(person.ui.findButton)
    assert set(chosen(person)) == set(SELECTORS)


@pytest.fixture
def nothing_installed(monkeypatch):
    """The pip that is asked; it makes everything be there."""
    state, pip = {"missing": ["openvino"]}, replaced_pip(monkeypatch)
    monkeypatch.setattr(slicer_setup, "missing", lambda: state["missing"])
    monkeypatch.setattr(slicer_setup, "_installed_engine", lambda: None if state["missing"] else "openvino")
    monkeypatch.setattr(slicer_setup, "accelerator_present", lambda: False)
    pip.answer = lambda requirements: state.update(missing=[])
    return pip


@pytest.fixture
def before_5_12(monkeypatch):
    """Slicer 5.10 has no slicer.packaging."""
    monkeypatch.delattr(slicer, "packaging", raising=False)
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)  # importing it fails


def has_packaging():
    return importlib.util.find_spec("slicer.packaging") is not None


def first_wanted(pip):
    """The first requirement of each call for packages, whatever this Slicer installs them with."""
    calls = [call.get("requirements") or call["arguments"] for call in pip.calls]
    return [call[0] for call in calls if call[0] != "--no-deps"]


def test_the_first_click_asks_installs_and_goes_on(person, nothing_installed):
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    person.segment()
    (question,) = person.boxes
    assert "OpenVINO" in question
    assert "TensorFlow" not in question
    assert "0.3 GB" in question
    assert BOXES.shown[0]["cursors"] == []
    assert result_nodes()
    if has_packaging():
        (first,) = nothing_installed.calls
        names = {requirement.partition(">")[0] for requirement in first["requirements"]}
        assert names == {"openvino", "scikit-image", "tqdm", "jinja2"}
        assert f"numpy=={np.__version__}" in first["constraints"]
        assert first["alone"] == ["pymeshmetrics"]
        assert first["requester"] == "IVD Segmentation"


def test_the_panel_is_disabled_while_packages_are_installed(person, nothing_installed):
    nodes, seen = person.load("water"), []
    person.ui.waterSelector.choose(nodes["water"])
    install = nothing_installed.answer
    nothing_installed.answer = lambda requirements: (seen.append(person.ui.segmentButton.enabled), install(requirements))
    person.segment()
    assert set(seen) == {False}
    assert person.ui.segmentButton.enabled


@pytest.mark.parametrize(("answer", "engine"), [("YES", "tensorflow>=2.16"), ("NO", "openvino>=2025.0"), ("CANCEL", None)])
def test_with_a_graphics_card_one_question_chooses_what_computes(person, nothing_installed, monkeypatch, answer, engine):
    monkeypatch.setattr(slicer_setup, "accelerator_present", lambda: True)
    person.ui.waterSelector.choose(person.load("water")["water"])
    BOXES.answers.append({"YES": 0x4000, "NO": 0x10000, "CANCEL": BOXES.CANCEL}[answer])
    if engine:
        person.segment()
    else:
        person.click(person.ui.segmentButton)
    (question,) = person.boxes
    assert question.index("graphics card") < question.index("Yes: TensorFlow") < question.index("No: OpenVINO")
    assert first_wanted(nothing_installed) == ([engine] if engine else [])
    assert bool(result_nodes()) == bool(engine)


@pytest.mark.parametrize("card", [False, True])
def test_where_openvino_has_no_wheel_tensorflow_serves(person, nothing_installed, monkeypatch, card):
    monkeypatch.setattr(slicer_setup, "accelerator_present", lambda: card)
    monkeypatch.setattr(slicer_setup.platform, "machine", lambda: "ppc64le")
    person.ui.waterSelector.choose(person.load("water")["water"])
    person.segment()
    (question,) = person.boxes
    assert "TensorFlow" in question
    assert "OpenVINO" not in question
    assert first_wanted(nothing_installed) == ["tensorflow>=2.16"]


def test_what_is_missing_is_one_engine_and_what_both_need(monkeypatch):
    found = {"scipy"}
    monkeypatch.setattr(slicer_setup.importlib.util, "find_spec", lambda name: name if name in found else None)
    assert slicer_setup.missing() == ["openvino", "skimage", "tqdm", "jinja2", "meshmetrics"]
    for engine in ("openvino", "tensorflow"):
        found = {"scipy", "skimage", "tqdm", "jinja2", "meshmetrics", engine}
        assert slicer_setup.missing() == []


def test_a_no_installs_nothing_and_says_so(person, nothing_installed):
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    BOXES.answers.append(BOXES.CANCEL)
    person.click(person.ui.segmentButton)
    assert nothing_installed.calls == []
    assert not person.logic.running
    assert "Nothing was installed" in person.ui.stageMessage.text
    assert len(person.boxes) == 1


def offline(requirements):
    raise subprocess.CalledProcessError(1, "pip")


@pytest.mark.skipif(not has_packaging(), reason="this Slicer has no slicer.packaging")
def test_offline_slicers_box_tells_of_it_and_the_panel_what_to_do(person, nothing_installed):
    nothing_installed.answer = offline
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    person.click(person.ui.segmentButton)
    assert "connect this computer to the internet" in person.ui.stageMessage.text
    assert "--find-links" in person.ui.stageMessage.text
    assert person.boxes[1:] == ["Package installation failed."]
    assert not person.logic.running


def test_slicer_5_10_installs_with_its_own_pip_install(person, nothing_installed, before_5_12, monkeypatch):
    monkeypatch.setattr(slicer.util, "pip_install", nothing_installed.install_of_5_10)
    person.logic.installPackages()
    first, second = (call["arguments"] for call in nothing_installed.calls)
    assert first[:4] == ["openvino>=2025.0", "-r", str(slicer_setup.REQUIREMENTS), "-c"]
    assert second == ["--no-deps", "pymeshmetrics"]


def test_offline_slicer_5_10_shows_one_box_of_ours(person, nothing_installed, before_5_12, monkeypatch):
    monkeypatch.setattr(slicer.util, "pip_install", nothing_installed.install_of_5_10)
    nothing_installed.answer = offline
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    person.click(person.ui.segmentButton)
    assert len(person.boxes) == 2  # the question and what to do
    assert "connect this computer to the internet" in person.boxes[1]
    assert not person.logic.running


def test_requirements_replace_nothing_that_slicer_bundles():
    lines = [line.partition("#")[0].strip() for line in slicer_setup.REQUIREMENTS.read_text().splitlines()]
    names = [line.partition(">")[0].lower() for line in lines if line]
    assert set(names) == {"scikit-image", "tqdm", "jinja2"}
    assert not set(names) & {name.lower() for name in slicer_setup.BUNDLED}
    assert not any("==" in line for line in lines)


def test_what_the_library_needs_slicer_brings_or_the_panel_installs():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    core = text.split("\ndependencies = [", 1)[1].split("\n]", 1)[0]
    needed = {name.lower() for name in re.findall(r'^ +"([\w-]+)', core, re.MULTILINE)} - {"tensorflow-cpu"}
    installed = {
        *re.findall(r"^[\w-]+", slicer_setup.REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE),
        slicer_setup.ALONE,
    }
    brought = {*(name.lower() for name in slicer_setup.BUNDLED), "pillow"}  # with scikit-image
    assert {"numpy", "jinja2", "openvino"} <= needed
    assert needed <= installed | brought | set(slicer_setup.ENGINE_PACKAGES)


def in_fresh_harness(script):
    here = Path(__file__).parent
    header = HARNESS.format(testing=str(here), module=str(here.parent / "IVDSegmentation"))
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", header + script], capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def test_opening_the_module_imports_nothing_heavy():
    script = """
from slicer_harness.boot import boot, load_module
boot()
import slicer
before = set(sys.modules)
load_module()
slicer.util.getModuleWidget("IVDSegmentation").parent.enter()
print(*sorted(set(sys.modules) - before))
"""
    imported = set(in_fresh_harness(script).split())
    allowed = {"slicer", "vtk", "vtkmodules", "SampleData", "IVDSegmentation", "IVDSegmentationLib"}
    assert {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names) - allowed == set()
    assert not imported & {"hashlib", "importlib.metadata", "uuid"}
    later = ("images.nifti", "images.nrrd", "dixon.dicom", "networks.models", "measure.measured_case", "worker.client",
             "atomic", "owned_outputs", "workplace", "report.page")  # fmt: skip
    assert not imported & {f"IVDSegmentationLib.{name}" for name in later}


def test_opening_the_module_starts_no_process_connects_to_nothing_and_reads_only_its_own_files():
    """What keeps opening quick on any machine: counted, not timed."""
    script = """
import os
import re
from slicer_harness.boot import boot, load_module
boot()
import slicer
load_module()
slicer.util.getModuleWidget("IVDSegmentation")
for name in [name for name in sys.modules if name.startswith("IVDSegmentation")]:
    del sys.modules[name]
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
load_module().widgetRepresentation().enter()
events = list(seen)
python = [os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)]
def own(path):
    path = os.path.realpath(path)
    known = [os.path.realpath(sys.path[1]), os.environ.get("SLICER_SOURCE") or "no folder", *python]
    return any(path.startswith(folder) for folder in known)
waits = ("subprocess.Popen", "os.fork", "os.posix_spawn", "os.system", "socket.connect", "socket.getaddrinfo")
print([event for event, _ in events if event in waits],
      [a[0] for event, a in events if event == "open" and isinstance(a[0], str) and not own(a[0])])
"""
    assert in_fresh_harness(script) == "[] []"


def test_nothing_is_installed_while_slicer_is_tested(person, nothing_installed):
    as_started(slicer.app, testing=True)
    with pytest.raises(slicer_setup.SetupError, match="while Slicer is tested"):
        person.logic.installPackages()
    assert nothing_installed.calls == []


def test_volumes_are_found_without_a_dicom_database(person, monkeypatch):
    monkeypatch.delattr(slicer, "dicomDatabase")
    nodes = person.load("water", "fat")
    nodes["water"].SetAttribute("DICOM.instanceUIDs", "1.2.3")
    person.click(person.ui.findButton)
    assert chosen(person) == nodes


def test_a_volume_that_is_chosen_twice_is_called_by_its_name(person):
    nodes = person.load("water", names={"water": "Spine 12"})
    person.ui.waterSelector.choose(nodes["water"])
    person.ui.inPhaseSelector.choose(nodes["water"])
    assert person.ui.segmentButton.toolTip == "Spine 12 is chosen for two channels: choose another."


def test_the_sample_case_registered_twice_is_one_button(person):
    import SampleData
    from IVDSegmentationLib.slicer.sample import register_sample

    register_sample()
    assert len(SampleData.SampleDataLogic.sampleDataSourcesByCategory("IVD Segmentation")) == 1


def test_the_sample_case_by_script_is_made_by_its_own_function_and_not_by_slicers_downloads(person):
    import SampleData
    from IVDSegmentationLib.slicer.sample import add_phantom

    before = scene_state()
    assert SampleData.downloadSamples("Dixon lumbar phantom") == []
    assert scene_state() == before
    *channels, reference = add_phantom()
    assert len(channels) == 4
    assert reference.IsA("vtkMRMLLabelMapVolumeNode")


def test_the_test_mode_shows_no_boxes(person):
    as_started(slicer.app, testing=True)
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    spoil(nodes["water"], "no image")
    person.click(person.ui.segmentButton)
    assert person.boxes == []
    assert not person.logic.running


def test_a_volume_of_no_voxel_size_is_refused(person):
    grid = Grid((36, 112, 144), (2.0, 1.25, 0.0), (0.0, 0.0, 0.0))
    nodes = person.load("water", grid=grid)
    person.ui.waterSelector.choose(nodes["water"])
    person.click(person.ui.segmentButton)
    assert person.boxes == ["water has voxels of no size: load it again"]

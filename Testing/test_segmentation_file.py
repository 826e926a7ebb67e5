"""discs.seg.nrrd as readers see it that know Slicer's segmentations, and as those do that know NRRD alone."""

import numpy as np
import pytest
from IVDSegmentationLib.images import read_volume
from IVDSegmentationLib.levels.colors import LEVEL_COLORS
from IVDSegmentationLib.levels.terminology import TERMINOLOGY
from IVDSegmentationLib.report.files import build_report
from IVDSegmentationLib.report.segmentation_file import write_segmentation_file
from made_results import result_of_phantom


@pytest.fixture(scope="module")
def result():
    return result_of_phantom(11)


@pytest.fixture(scope="module")
def path(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("seg") / "discs.seg.nrrd"
    write_segmentation_file(result.label_volume, build_report(result), path)
    return path


def test_slicerio_reads_names_colours_labels_and_terms(result, path):
    slicerio = pytest.importorskip("slicerio", reason="slicerio is not installed: pip install -e '.[test]'")
    read = slicerio.read_segmentation(str(path))
    assert [segment["name"] for segment in read["segments"]] == [disc.level for disc in result.discs]
    for segment, disc in zip(read["segments"], result.discs, strict=True):
        assert segment["id"] == disc.level and segment["labelValue"] == disc.label and segment["layer"] == 0
        np.testing.assert_allclose(segment["color"], LEVEL_COLORS[disc.level], atol=1e-6)
        assert segment["terminology"]["type"] == ["SCT", "360499006", "Intervertebral disc"]
        assert segment["terminology"]["contextName"] == TERMINOLOGY.split("~")[0]
        i, j, k = segment["extent"][::2]
        held = np.argwhere(result.label_volume.voxels == disc.label)
        assert [i, j, k] == held.min(axis=0).tolist() and segment["extent"][1::2] == held.max(axis=0).tolist()
    np.testing.assert_array_equal(read["voxels"], result.label_volume.voxels)


def test_a_reader_that_knows_nrrd_alone_reads_the_label_map(result, path):
    nrrd = pytest.importorskip("nrrd", reason="pynrrd is not installed: pip install -e '.[test]'")
    voxels, header = nrrd.read(str(path))
    np.testing.assert_array_equal(voxels, result.label_volume.voxels)
    assert header["space"] == "left-posterior-superior"
    np.testing.assert_allclose(header["space origin"], result.label_volume.grid.origin_mm, atol=1e-6)


def test_our_own_reader_reads_it_and_evaluate_does_not_take_it_for_a_second_mask(result, path):
    from IVDSegmentationLib.images import write_volume
    from IVDSegmentationLib.measure.evaluation import evaluate

    np.testing.assert_array_equal(read_volume(path).voxels, result.label_volume.voxels)
    write_volume(result.label_volume, path.with_name("discs.nii.gz"))
    assert evaluate(path.parent, path.parent).cases.keys() == {"."}


def test_it_names_no_patient(path):
    head = path.read_bytes().split(b"\n\n")[0].decode()
    assert "made" not in head and "Secret" not in head

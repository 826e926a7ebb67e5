"""discs.seg.nrrd as Slicer itself opens it."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
import vtk
from IVDSegmentationLib.levels.colors import LEVEL_COLORS
from IVDSegmentationLib.levels.terminology import CONFIDENCE_TAG, TERMINOLOGY, TERMINOLOGY_TAG
from IVDSegmentationLib.report.files import build_report
from IVDSegmentationLib.report.segmentation_file import write_segmentation_file
from IVDSegmentationLib.slicer.attributes import CONFIDENCE
from IVDSegmentationLib.slicer.volume_nodes import dicom_files_of
from made_results import result_of_phantom
from slicer_harness.person import Person
from vtk.util.numpy_support import vtk_to_numpy


@pytest.fixture
def opened(tmp_path):
    """The result, and the node that Slicer makes of its file."""
    Person()
    result = result_of_phantom(11)
    path = tmp_path / "discs.seg.nrrd"
    write_segmentation_file(result.label_volume, build_report(result), path)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    yield result, node
    slicer.mrmlScene.RemoveNode(storage)
    slicer.mrmlScene.RemoveNode(node)


def test_slicer_opens_it_with_names_colours_labels_and_terms(opened):
    result, node = opened
    segmentation = node.GetSegmentation()
    assert list(segmentation.GetSegmentIDs()) == [disc.level for disc in result.discs]
    for disc in result.discs:
        segment = segmentation.GetSegment(disc.level)
        assert segment.GetName() == disc.level and segment.GetLabelValue() == disc.label
        assert np.allclose(segment.GetColor(), LEVEL_COLORS[disc.level], atol=1e-6)
        text = vtk.reference("")
        assert segment.GetTag(segment.GetTerminologyEntryTagName(), text) and str(text) == TERMINOLOGY
        assert segment.GetTag(CONFIDENCE, text) and float(str(text)) == pytest.approx(disc.confidence)
    assert segment.GetTerminologyEntryTagName() == TERMINOLOGY_TAG and CONFIDENCE == CONFIDENCE_TAG


def test_slicer_has_every_voxel_where_it_was(opened):
    result, node = opened
    grid = result.label_volume.grid
    for disc in result.discs:
        image = slicer.vtkOrientedImageData()
        assert node.GetBinaryLabelmapRepresentation(disc.level, image)
        to_ras = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(to_ras)
        extent = image.GetExtent()
        scalars = vtk_to_numpy(image.GetPointData().GetScalars())
        voxels = scalars.reshape([extent[5] - extent[4] + 1, extent[3] - extent[2] + 1, extent[1] - extent[0] + 1])
        own = np.argwhere(voxels > 0)[:, ::-1] + np.array(extent[::2])
        matrix = np.array([[to_ras.GetElement(row, column) for column in range(4)] for row in range(4)])
        lps = (own @ matrix[:3, :3].T + matrix[:3, 3]) * (-1, -1, 1)
        ijk = np.rint(grid.to_ijk(lps)).astype(int)
        assert len(own) == np.count_nonzero(result.label_volume.voxels == disc.label)
        assert np.all(result.label_volume.voxels[tuple(ijk.T)] == disc.label)


def test_a_volume_that_slicer_loaded_from_dicom_brings_its_files(monkeypatch):
    Person()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "water")
    assert dicom_files_of(node) == ()
    node.SetAttribute("DICOM.instanceUIDs", "1.2.1 1.2.2")
    held = {"1.2.1": "/database/a.dcm", "1.2.2": "/database/b.dcm"}
    monkeypatch.setattr(slicer.dicomDatabase, "files", held)
    assert dicom_files_of(node) == (Path("/database/a.dcm"), Path("/database/b.dcm"))
    del held["1.2.2"]  # gone from the database
    assert dicom_files_of(node) == ()
    monkeypatch.delattr(slicer, "dicomDatabase")  # Slicer without its DICOM module
    assert dicom_files_of(node) == ()
    slicer.mrmlScene.RemoveNode(node)

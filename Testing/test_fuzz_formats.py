"""Files of every format changed at random: each is read or refused in one sentence, and what is read is what its header says.

`make test` tries some hundred of every format, `make fuzz` 20,000 (IVDSEG_FUZZ_EXAMPLES). A file is changed by a seed that
hypothesis draws, so that a failure is repeated by its number.
"""

import gzip
import json
import os
import random
import re
import struct
from unittest import mock

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_objects import PHILIPS as FRAME_KINDS
from dicom_objects import frames_of, write_enhanced
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IVDSegmentationLib.arrays import read_npz
from IVDSegmentationLib.dixon import dicom_slices
from IVDSegmentationLib.dixon.dicom import read_dicom_folder
from IVDSegmentationLib.errors import InputError, ModelError
from IVDSegmentationLib.images import read_volume
from IVDSegmentationLib.networks.models import MODELS_FOLDER, load_card
from pydicom.encaps import encapsulate
from test_dicom import PHILIPS, SHAPE, jpeg_2000, write_series

EXAMPLES = int(os.environ.get("IVDSEG_FUZZ_EXAMPLES", "200"))
fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
seeds = st.integers(0, 2**62)

SIZE = (5, 6, 7)
VOXELS = np.random.default_rng(3).integers(1, 900, SIZE).astype(np.int16)
WORDS = [
    *(b"0", b"1", b"-1", b"2", b"nan", b"inf", b"-inf", b"1e308", b"1e-320", b"99999999999999999999", b"0x10", b"none", b""),
    *(b"raw", b"gzip", b"text", b"LIST", b"LOCAL", b"/dev/zero", b"../x", b"%d", b"True", b"False", b"big", b"little"),
    *(b"(1,0,0)", b"(0,0,0)", b"(nan,0,0)", b"\xff\xfe", b"\0", b"float", b"MET_DOUBLE", b"MET_SHORT"),
    *(b"left-anterior-superior", b"[" * 999),
]
"""What stands in the place of a word of a header."""
NUMBERS = [
    *(struct.pack("<f", x) for x in (0.0, -1.0, 1.0, 1.25, 1e38, 1e-45, np.nan, np.inf, 352.0)),
    *(struct.pack("<h", x) for x in (0, 1, -1, 2, 3, 4, 5, 16, 64, 2**15 - 1, -(2**15))),
    *(struct.pack("<i", x) for x in (348, 540, 2**31 - 1, -(2**31), 1 << 24)),
    *(struct.pack("<q", x) for x in (2**63 - 1, -1)),
    *(b"\0" * 8, b"\xff" * 8),
]
"""What stands in the place of bytes of a header."""


def changed(content: bytes, header: int, seed: int) -> bytes:
    """A file with one to four changes in its header, or cut short."""
    draw, content = random.Random(seed), bytearray(content)
    for _ in range(draw.randint(1, 4)):
        header = max(min(header, len(content)), 1)
        at, kind = draw.randrange(header), draw.randrange(8)
        if kind <= 1 and content:
            content[min(at, len(content) - 1)] = draw.randrange(256)
        elif kind <= 3:
            number = draw.choice(NUMBERS)
            content[at : at + len(number)] = number
        elif kind <= 5:
            words = list(re.finditer(rb"[^\s:=]+", bytes(content[:header])))
            if words:
                word = draw.choice(words)
                content[word.start() : word.end()] = draw.choice(WORDS)
        elif kind == 6:
            del content[at : at + draw.randint(1, 12)]
        else:
            content[at:at] = content[draw.randrange(header) :][: draw.randint(1, 40)]
    if draw.random() < 0.1:
        del content[draw.randrange(len(content) + 1) :]
    return bytes(content)


def sentence(error: Exception) -> None:
    """Check that an error is one line with nothing of the machine in it."""
    assert str(error) and "\n" not in str(error)
    assert "/tmp" not in str(error) and len(str(error)) < 2000


def write(path):
    image = sitk.GetImageFromArray(np.ascontiguousarray(VOXELS.T))
    image.SetSpacing((2.0, 1.25, 1.25))
    image.SetOrigin((10.0, 20.0, 30.0))
    sitk.WriteImage(image, str(path), useCompression="packed" in path.name)
    return path.read_bytes()


def second_nifti(path):
    """NIfTI-2, big endian."""
    image = nibabel.Nifti2Image(VOXELS, np.diag([2.0, 1.25, 1.25, 1.0]))
    image.set_sform(image.affine, 1)
    path.write_bytes(nibabel.Nifti2Image(VOXELS, image.affine, image.header.as_byteswapped(">")).to_bytes())
    return path.read_bytes()


FORMATS = {
    **{"water.nii": 352, "second.nii": 544, "water.nrrd": 420, "water.nhdr": 420, "water.mha": 420, "water.mhd": 420},
    **{"packed.nrrd": 900, "packed.mha": 800},
}
"""Name of a file -> how much of it is changed: its header, and of packed voxels some, too."""


@pytest.mark.parametrize("name", FORMATS)
@fuzzed
@given(seed=seeds)
def test_a_changed_image_is_read_as_its_header_says_or_refused(tmp_path_factory, name, seed):
    path = tmp_path_factory.getbasetemp() / f"fuzz-{name}"
    sound = SOUND.get(name) or SOUND.setdefault(name, (second_nifti if name == "second.nii" else write)(path))
    path.write_bytes(changed(sound, FORMATS[name], seed))
    check_read(path)


@fuzzed
@given(seed=seeds)
def test_a_changed_nifti_inside_its_gzip_and_the_gzip_itself_are_read_or_refused(tmp_path_factory, seed):
    path = tmp_path_factory.getbasetemp() / "fuzz-water.nii.gz"
    sound = SOUND.get("water.nii") or SOUND.setdefault("water.nii", write(path.with_name("fuzz-water.nii")))
    packed = gzip.compress(changed(sound, 352, seed) if seed % 2 else sound, 1)
    path.write_bytes(packed if seed % 2 else changed(packed, len(packed), seed))
    check_read(path)


SOUND: dict[str, bytes] = {}


def check_read(path):
    try:
        volume = read_volume(path)
    except InputError as error:
        sentence(error)
        return
    assert volume.voxels.shape == volume.grid.size and volume.voxels.dtype == np.float32
    assert np.isfinite(volume.voxels).all()
    assert 0 < min(volume.grid.spacing_mm) <= max(volume.grid.spacing_mm) <= 10
    assert np.allclose(np.array(volume.grid.direction) @ np.array(volume.grid.direction).T, np.eye(3), atol=0.01)
    assert np.isfinite(volume.grid.origin_mm).all()
    if ".nii" in path.name:
        image = nibabel.load(path)
        corners = volume.grid.corners_ijk()
        ras = nibabel.affines.apply_affine(image.affine, corners)
        apart_mm = np.abs(volume.grid.to_mm(corners) - ras * (-1, -1, 1)).max()
        assert apart_mm <= 0.2 * min(volume.grid.spacing_mm) + 1e-5 * np.abs(ras).max()


@pytest.mark.parametrize("syntax", ["plain", "deflated", "packed", "JPEG 2000", "enhanced"])
@settings(fuzzed, max_examples=max(EXAMPLES // 2, 1))
@given(seed=seeds)
def test_a_changed_dicom_file_is_read_or_refused(tmp_path_factory, syntax, seed):
    folder = tmp_path_factory.getbasetemp() / f"fuzz-dicom-{syntax}"
    if syntax == "enhanced" and not folder.exists():
        folder.mkdir()
        small = {"water": np.random.default_rng(7).integers(50, 200, (4, 12, 10))}
        write_enhanced(folder / "a.dcm", frames_of(small, FRAME_KINDS))
    if not folder.exists():
        write_series(folder, {"water": PHILIPS["water"]}, order=range(3))
        for path in folder.iterdir():
            data = pydicom.dcmread(path)
            if syntax == "deflated":
                data.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
            elif syntax == "packed":
                data.compress(pydicom.uid.RLELossless)
            elif syntax == "JPEG 2000":
                data.PixelData = encapsulate([jpeg_2000(data.pixel_array)])
                data.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
                data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
            data.save_as(path)
    path = sorted(folder.iterdir())[0 if syntax == "enhanced" else 1]
    sound = SOUND.get(syntax) or SOUND.setdefault(syntax, path.read_bytes())
    header = max(len(sound) - SHAPE[1] * SHAPE[2] * 2, 900) if syntax == "plain" else len(sound)
    path.write_bytes(changed(sound, header, seed))
    # What is decoded was checked before; a process for each of them would take most of the time.
    decoded = lambda paths, **_: np.random.default_rng(1).random((len(paths), *SHAPE[1:]), np.float32)  # noqa: E731
    try:
        with mock.patch.object(dicom_slices, "unpacked", decoded):
            volumes = read_dicom_folder(folder)
        for volume in volumes.values():
            assert volume.voxels.shape == volume.grid.size and np.isfinite(volume.voxels).all()
    except InputError as error:
        sentence(error)
        assert "Secret" not in str(error)
    finally:
        path.write_bytes(sound)


@fuzzed
@given(seed=seeds)
def test_a_changed_card_is_sound_or_refused(tmp_path_factory, seed):
    folder = tmp_path_factory.getbasetemp() / "fuzz-model"
    folder.mkdir(exist_ok=True)
    sound = (MODELS_FOLDER / "default" / "card.json").read_bytes()
    path = folder / "card.json"
    path.write_bytes(changed(sound, len(sound), seed))
    try:
        card = load_card(folder)
    except ModelError as error:
        sentence(error)
    else:
        json.dumps(card)
        assert card["name"].isprintable()


@fuzzed
@given(seed=seeds)
def test_changed_weights_are_arrays_or_refused(seed):
    sound = SOUND.get("npz") or SOUND.setdefault("npz", (MODELS_FOLDER / "default" / "localizer.npz").read_bytes()[:20_000])
    whole = SOUND.get("small") or SOUND.setdefault("small", small_npz())
    try:
        for array in read_npz(changed(whole if seed % 4 else sound, len(whole), seed), 1 << 20):
            assert array.nbytes <= 1 << 20
    except ValueError as error:
        sentence(error)


def small_npz() -> bytes:
    import io

    packed = io.BytesIO()
    np.savez_compressed(packed, a=np.arange(30, dtype=np.float16), b=np.ones((3, 4), np.float32))
    return packed.getvalue()

"""Further hostile inputs for `hostile_inputs.py`: packed DICOM, other commands, output folders, surroundings, signals."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import SimpleITK as sitk
from dicom_objects import PHILIPS as FRAME_KINDS
from dicom_objects import frames_of, write_enhanced
from hostile_inputs import (
    ASCII,
    META,
    NAN,
    NOT_UTF8,
    PLANTED,
    SMALL,
    Build,
    add,
    card,
    copy,
    dicom,
    evaluate,
    main,
    model,
    nifti,
    output,
    raw_file,
    segment,
    small,
    sound_case,
    special,
    text_header,
    theirs,
    unix_socket,
)
from PIL import Image
from pydicom.encaps import encapsulate
from test_dicom import PHILIPS, STORED, write_series, write_slice

__all__ = ["main"]

JPEG, JPEG_LOSSLESS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"
JPEG_LS, JPEG_2000, MPEG = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.100"


def discs_are_right(work: Path, sound: Path) -> str:
    """What is wrong with a label map of whatever format of the phantom, or an empty text."""
    found = sitk.ReadImage(str(work / "out" / "discs.nii.gz"))
    truth = sitk.ReadImage(str(sound / "reference.nii.gz"))
    found = sitk.GetArrayFromImage(sitk.Resample(found, truth, sitk.Transform(), sitk.sitkNearestNeighbor)) > 0
    expected = sitk.GetArrayFromImage(truth) > 0
    dice = 2 * (found & expected).sum() / (found.sum() + expected.sum())
    return "" if dice > 0.85 else f"a wrong result: Dice {dice:.2f} with the exact discs"


def right(name: str, build: Build, **options) -> None:
    add(name, build, "right", check=discs_are_right, **options)


# --- headers ----------------------------------------------------------------------------------------------------------------


def as_format(name: str, change: Callable[[sitk.Image], sitk.Image] = lambda image: image, compress=False) -> Build:
    """The phantom's water in another format."""

    def build(folder: Path, sound: Path) -> list[str]:
        (folder / "case").mkdir()
        image = change(sitk.ReadImage(str(sound / "water.nii.gz")))
        sitk.WriteImage(image, str(folder / "case" / name), useCompression=compress)
        return segment()

    return build


def turned(image: sitk.Image) -> sitk.Image:
    return sitk.PermuteAxes(sitk.Flip(image, (True, False, True)), (2, 0, 1))


def rewritten(write: Callable[[nibabel.Nifti1Image, Path], None], name="water.nii") -> Build:
    """The phantom's water as nibabel writes it after a change."""

    def build(folder: Path, sound: Path) -> list[str]:
        (folder / "case").mkdir()
        write(nibabel.load(sound / "water.nii.gz"), folder / "case" / name)
        return segment()

    return build


def big_endian(image: nibabel.Nifti1Image, path: Path) -> None:
    swapped = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header.as_byteswapped(">"))
    swapped.set_sform(image.affine, 1)
    swapped.set_qform(image.affine, 1)
    nibabel.save(swapped, path)


def second(image: nibabel.Nifti1Image, path: Path, moved_mm: float = 0.0) -> None:
    """NIfTI-2, its qform moved."""
    made = nibabel.Nifti2Image(np.asarray(image.dataobj), image.affine)
    made.set_sform(image.affine, 1)
    made.set_qform(image.affine + np.pad([[moved_mm]], ((0, 3), (3, 0))), 1)
    nibabel.save(made, path)


for _name in ("water.nrrd", "water.mha", "water.mhd", "water.nhdr"):
    right(f"format {_name} turned", as_format(_name, turned))
right(
    "format in capitals",
    lambda folder, sound: (os.rename(copy(sound, folder, "water") / "water.nii.gz", folder / "case/WATER.NII.GZ"), segment())[
        -1
    ],
)
right("format water.nrrd packed", as_format("water.nrrd", turned, compress=True))
right("format water.mha packed", as_format("water.mha", compress=True))
right("format big endian", rewritten(big_endian))
right("format NIfTI-2", rewritten(second))
add("NIfTI-2 contradicts itself", rewritten(lambda image, path: second(image, path, 40.0)))
add("NIfTI-2 vox_offset huge", raw_file("water.nii", lambda content: second_bytes({168: ("i8", 2**62)})))
add("NIfTI-2 dim huge", raw_file("water.nii", lambda content: second_bytes({24: ("i8", [2**61, 2**61, 2**61])})))
add("NIfTI-2 dim negative", raw_file("water.nii", lambda content: second_bytes({24: ("i8", [-1, -1, -1])})))


def second_bytes(changes: dict[int, tuple[str, object]]) -> bytes:
    image = nibabel.Nifti2Image(np.arange(32000, dtype=np.int16).reshape(SMALL), np.diag([2, 1.25, 1.25, 1]))
    content = bytearray(image.to_bytes())
    for offset, (kind, value) in changes.items():
        raw = np.asarray(value).astype("<" + kind).tobytes()
        content[offset : offset + len(raw)] = raw
    return bytes(content)


for _name, _changes in {
    "intercept nan": {112: ("f4", [1.0, NAN])},
    "intercept inf": {112: ("f4", [2.0, np.inf])},
    "qfac 2": {76: ("f4", 2.0), 254: ("i2", 0)},
    "codes of another standard": {252: ("i2", [77, -3])},
    "dim0 7 of ones and a two": {40: ("i2", [7, 20, 40, 40, 1, 1, 1, 2])},
    "field of 3 m": {84: ("f4", 75.0), 296: ("f4", 75.0)},
    "all bits": {40: ("u1", [255] * 308)},
    "signalling nan": {80: ("u4", 0x7F800001)},
}.items():
    add(f"nifti {_name}", nifti(_changes))
add("nifti sform nearly qform", nifti({292: ("f4", -46.0)}, sound_case=True), "either")
add("nifti gz in gz", raw_file("water.nii.gz", gzip.compress))
add("nifti gz of ten members", raw_file("water.nii.gz", lambda content: b"".join(gzip.compress(x) for x in parts(content))))
add("nifti gz with rubbish behind", raw_file("water.nii.gz", lambda content: content + b"\xde\xad" * 5000))
add("nifti is a zip", raw_file("water.nii.gz", b"PK\x03\x04" + bytes(4000)))
add(
    "nifti .hdr alone",
    lambda folder, sound: (
        small(folder / "case/water.nii"),
        os.rename(folder / "case/water.nii", folder / "case/water.hdr"),
        segment(),
    )[-1],
)


def parts(content: bytes) -> list[bytes]:
    plain = gzip.decompress(content)
    return [plain[start : start + 7000] for start in range(0, len(plain), 7000)]


for _name, (_old, _new) in {
    "sizes in other digits": ("sizes", "sizes: \xb2\xb9 40 40"),
    "directions with underscores": ("space directions", "space directions: (2_0,0,0) (0,1.25,0) (0,0,1.25)"),
    "spacings and no directions": ("space directions", "spacings: 2 nan 1.25"),
    "spacings 0": ("space directions", "spacings: 0 0 0"),
    "five dimensions": ("dimension", "dimension: 5"),
    "sixteen dimensions": ("sizes", "sizes: " + "1 " * 16),
    "byte skip -1": ("encoding", "encoding: raw\nbyte skip: -1"),
    "byte skip huge": ("encoding", "encoding: raw\nbyte skip: 999999999"),
    "line skip": ("encoding", "encoding: raw\nline skip: 3"),
    "bzip2": ("encoding", "encoding: bzip2"),
    "hex": ("encoding", "encoding: hex"),
    "data its own folder": ("encoding", "encoding: raw\ndata file: ."),
    "data with a zero byte": ("encoding", "encoding: raw\ndata file: a\0b"),
    "data not utf-8": ("encoding", "encoding: raw\ndata file: \xff\xfe"),
    "data of 5000 letters": ("encoding", "encoding: raw\ndata file: " + "a" * 5000),
    "data a home": ("encoding", "encoding: raw\ndata file: ~/secret.raw"),
    "kinds a list": ("kinds", "kinds: vector space space"),
    "metres": ("kinds", 'space units: "m" "m" "m"'),
    "origin of two": ("space origin", "space origin: (1,2)"),
    "origin huge": ("space origin", "space origin: (1e308,1e308,1e308)"),
    "space twice": ("kinds", "space: left-posterior-superior"),
}.items():
    add(
        f"nrrd {_name}",
        text_header("water.nrrd", _old, _new),
        "either" if _name in ("origin huge", "kinds a list") else "refused",
    )
for _name, (_old, _new) in {
    "dimsize of fractions": ("DimSize", "DimSize = 20.5 40 40"),
    "dimsize with underscores": ("DimSize", "DimSize = 2_0 40 40"),
    "ndims 3.9": ("NDims", "NDims = 3.9"),
    "spacing in other digits": ("ElementSpacing", "ElementSpacing = \xb2 1 1"),
    "two positions": ("Offset", "Offset = 1 2 3\nOffset = 4 5 6"),
    "channels 3": ("ElementSpacing", "ElementNumberOfChannels = 3\nElementSpacing = 2 1.25 1.25"),
    "channels huge": ("ElementSpacing", "ElementNumberOfChannels = 1e300\nElementSpacing = 2 1.25 1.25"),
    "header size huge": ("ElementSpacing", "HeaderSize = 1e18\nElementSpacing = 2 1.25 1.25"),
    "header size -2": ("ElementSpacing", "HeaderSize = -2\nElementSpacing = 2 1.25 1.25"),
    "text voxels": ("BinaryData ", "BinaryData = False"),
    "a mirror": ("TransformMatrix", "TransformMatrix = 1 0 0 1 0 0 0 0 1"),
    "data its own header": ("ElementDataFile", "ElementDataFile = water.mha"),
    "data a socket": ("ElementDataFile", "ElementDataFile = s"),
    "data above": ("ElementDataFile", "ElementDataFile = ../../x.raw"),
    "spacing negative": ("ElementSpacing", "ElementSpacing = -2 1.25 1.25"),
    "offset infinite": ("Offset", "Offset = inf 0 0"),
}.items():
    assert _name not in META
    add(f"mha {_name}", text_header("water.mha", _old, _new))


def packed_bomb(folder: Path, sound: Path) -> list[str]:
    """67 million voxels of eight bytes in half a megabyte."""
    (folder / "case").mkdir()
    head = "NDims = 3\nDimSize = 512 512 256\nElementSpacing = 1 1 1\nElementType = MET_DOUBLE\nCompressedData = True\n"
    packer = zlib.compressobj(9)
    with open(folder / "case/water.mha", "wb") as file:
        file.write(b"ObjectType = Image\n" + head.encode() + b"ElementDataFile = LOCAL\n")
        for _ in range(64):
            file.write(packer.compress(bytes(1 << 23)))
        file.write(packer.flush())
    return segment()


add("mha of zeros, packed", packed_bomb)


def four_large(folder: Path, sound: Path) -> list[str]:
    """The most voxels in each of four channels, of which the last holds no image."""
    (folder / "case").mkdir()
    for name in ("fat", "in_phase", "opposed_phase", "water"):
        head = "NDims = 3\nDimSize = 512 512 256\nElementSpacing = 1 1 1\nElementType = MET_UCHAR\nCompressedData = True\n"
        packer = zlib.compressobj(1)
        with open(folder / "case" / f"{name}.mha", "wb") as file:
            file.write(b"ObjectType = Image\n" + head.encode() + b"ElementDataFile = LOCAL\n")
            for number in range(8):
                file.write(packer.compress(bytes([number if name != "water" else 0]) * (1 << 23)))
            file.write(packer.flush())
    return segment()


add("four channels of the most voxels", four_large)


# --- DICOM ------------------------------------------------------------------------------------------------------------------


def phantom_series(folder: Path, sound: Path, **tags) -> Path:
    """The phantom's water as a series."""
    image = nibabel.load(sound / "water.nii.gz")
    voxels, affine = np.asarray(image.dataobj), image.affine
    lps = np.diag([-1, -1, 1, 1]) @ affine
    along = lps[:3, :3] / np.linalg.norm(lps[:3, :3], axis=0)
    case = folder / "case"
    case.mkdir()
    kind, description = PHILIPS["water"]
    common = {
        "StudyInstanceUID": "1.2.3",
        "FrameOfReferenceUID": "1.2.4",
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
    }
    for index in range(voxels.shape[0]):
        position = lps @ (index, 0, 0, 1)
        own = {
            "PixelSpacing": [float(np.linalg.norm(lps[:3, 2])), float(np.linalg.norm(lps[:3, 1]))],
            "ImageOrientationPatient": [*along[:, 1].tolist(), *along[:, 2].tolist()],
            "ImagePositionPatient": position[:3].round(6).tolist(),
        }
        stored = voxels[index].T
        labels = {"series": "1.2.5", "number": 5, "kind": kind, "description": description}
        write_slice(case / f"{index:03d}.dcm", stored, index, **{**labels, **common, **own, **tags})
    return case


def phantom_dicom(raw: Callable[[Path], object] = lambda path: None, every=True, **tags) -> Build:
    def build(folder: Path, sound: Path) -> list[str]:
        pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
        for number, path in enumerate(sorted(phantom_series(folder, sound, **tags).iterdir())):
            if every or number == 3:
                raw(path)
        return segment()

    return build


def pillow(stored: np.ndarray, kind: str) -> bytes:
    packed = io.BytesIO()
    if kind == "JPEG":
        Image.fromarray((stored // 4).clip(0, 255).astype(np.uint8)).save(packed, "JPEG", quality=95)
    else:
        Image.fromarray(stored.astype(np.uint16)).save(packed, "JPEG2000", irreversible=False, no_jp2=True)
    return packed.getvalue()


def encapsulated(
    kind: str, change: Callable[[bytes], bytes] = lambda stream: stream, syntax: str = ""
) -> Callable[[Path], None]:
    """The pixels of a file as a JPEG stream that is then changed."""

    def pack(path: Path) -> None:
        data = pydicom.dcmread(path)
        stream = change(pillow(data.pixel_array, kind))
        data.file_meta.TransferSyntaxUID = syntax or (JPEG if kind == "JPEG" else JPEG_2000)
        if kind == "JPEG":
            data.BitsAllocated = data.BitsStored = 8
            data.HighBit, data.PixelRepresentation = 7, 0
        data.PixelData = encapsulate([stream]) if stream else b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
        data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
        data.save_as(path)

    return pack


def resized(stream: bytes) -> bytes:
    """A JPEG or JPEG 2000 stream that says it is 60,000 x 60,000."""
    if stream[:2] == b"\xff\xd8":
        at = stream.index(b"\xff\xc0")
        return stream[: at + 5] + struct.pack(">HH", 60000, 60000) + stream[at + 9 :]
    at = stream.index(b"\xff\x51")
    return stream[: at + 6] + struct.pack(">II", 60000, 60000) + stream[at + 14 :]


def noisy(stream: bytes) -> bytes:
    content = bytearray(stream)
    for at in np.random.default_rng(6).integers(20, len(content), 40):
        content[at] = (content[at] * 7 + 13) % 256
    return bytes(content)


for _kind in ("JPEG", "JPEG2000"):
    right(f"dicom {_kind} of the phantom", phantom_dicom(encapsulated(_kind)))
    for _name, _change in {
        "cut short": lambda stream: stream[: len(stream) // 2],
        "of a larger size": resized,
        "empty": lambda stream: b"",
        "of zeros": lambda stream: bytes(len(stream)),
        "with other bytes": noisy,
        "a beginning alone": lambda stream: stream[:24],
        "text": lambda stream: PLANTED.encode() * 50,
    }.items():
        add(
            f"dicom {_kind} {_name}",
            phantom_dicom(encapsulated(_kind, _change), every=False),
            "either" if _name == "with other bytes" else "refused",
            check=lambda work, sound: "",
        )
for _name, _uid in {"lossless": JPEG_LOSSLESS, "LS": JPEG_LS, "MPEG": MPEG, "unknown": "1.2.3.4", "none": "x"}.items():
    add(f"dicom called {_name} and is JPEG 2000", dicom(raw=encapsulated("JPEG2000", syntax=_uid)), "either")


def syntax_lies(path: Path, uid: str) -> None:
    data = pydicom.dcmread(path)
    content = path.read_bytes()
    uid_now = str(data.file_meta.TransferSyntaxUID)
    path.write_bytes(
        content.replace(
            uid_now.encode().ljust(20, b"\0")[: len(uid_now)], uid.encode().ljust(len(uid_now), b"\0")[: len(uid_now)], 1
        )
    )


for _uid in ("1.2.840.10008.1.2.2", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5", JPEG_2000[:19]):
    add(f"dicom called {_uid} and is not", dicom(raw=lambda path, uid=_uid: syntax_lies(path, uid)))
for _name, _tags in {
    "rows 1": {"Rows": 1, "Columns": 1760},
    "8 bits": {"BitsAllocated": 8},
    "32 bits": {"BitsAllocated": 32},
    "bits stored 99": {"BitsStored": 99, "HighBit": 98},
    "sign 7": {"PixelRepresentation": 7},
    "no bits": {"BitsAllocated": None},
    "no rows": {"Rows": None},
    "slope 0": {"RescaleSlope": "0", "RescaleIntercept": "0"},
    "slope nan": {"RescaleSlope": "nan", "RescaleIntercept": "0"},
    "slopes": {"RescaleSlope": ["1", "2"], "RescaleIntercept": "0"},
    "spacing nan": {"PixelSpacing": ["nan", "nan"]},
    "spacing negative": {"PixelSpacing": [-1.25, 1.25]},
    "position nan": {"ImagePositionPatient": ["nan", "0", "0"]},
    "position of two": {"ImagePositionPatient": [1, 2]},
    "orientation of five": {"ImageOrientationPatient": [0, 1, 0, 0, 0]},
    "orientation long": {"ImageOrientationPatient": [0, 2, 0, 0, 0, -2]},
    "orientation nan": {"ImageOrientationPatient": ["nan"] * 6},
    "frames negative": {"NumberOfFrames": "-5"},
    "type empty": {"ImageType": "", "SeriesDescription": ""},
    "type of 3000 values": {"ImageType": ["X"] * 3000, "SeriesDescription": "x"},
    "one-valued letters": {"ImageType": "FIW", "SeriesDescription": ""},
    "modality CT": {"Modality": "CT"},
    "charset unknown": {"SpecificCharacterSet": "ISO_IR 999", "ImagePositionPatient": [0, 0, 0]},
    "palette": {"PhotometricInterpretation": "PALETTE COLOR"},
    "photometric nothing": {"PhotometricInterpretation": "x" * 500},
}.items():
    add(f"dicom {_name}", dicom(**_tags))
for _name, _tags in {
    "patient of 5000 letters": {"PatientName": "x" * 5000},
    "patient of control characters": {"PatientName": "a\x1b[31m\r\nb"},
    "birth date none": {"PatientBirthDate": "yesterday", "StudyDate": "20261399", "StudyTime": "9999"},
    "study UID none": {"StudyInstanceUID": "not a UID"},
    "frame of reference none": {"FrameOfReferenceUID": ""},
    "same instance": {"SOPInstanceUID": "1.2.3.4"},
    "age and sex odd": {"PatientAge": "-5", "PatientSex": "X" * 40},
    "charset odd": {"SpecificCharacterSet": "nonsense"},
}.items():
    right(f"dicom of the phantom, {_name}", phantom_dicom(**_tags))


def with_text(tag: str, *others: str) -> Callable[[Path], None]:
    """A text where a number belongs, which pydicom would not write."""

    def change(path: Path) -> None:
        data = pydicom.dcmread(path)
        setattr(data, tag, 7777)
        for other in others:
            setattr(data, other, [0, 0, 0])
        data.save_as(path)
        path.write_bytes(path.read_bytes().replace(b"7777", b"a\x1b[m"))

    return change


for _tag in ("RescaleSlope", "NumberOfFrames"):
    add(f"dicom {_tag} text", dicom(raw=with_text(_tag)))
for _tag in ("EchoTime", "TemporalPositionIdentifier", "SeriesNumber", "SliceThickness", "InstanceNumber"):
    add(f"dicom {_tag} text", dicom(raw=with_text(_tag, "ImagePositionPatient")))


def nested(path: Path) -> None:
    """A sequence in a sequence, 3,000 times."""
    content = path.read_bytes()
    item = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    at = content.index(b"\x08\x00\x16\x00UI")
    path.write_bytes(content[:at] + item * 3000 + content[at:])


def long_element(path: Path) -> None:
    """A tag that says it has four gigabytes."""
    content = path.read_bytes()
    at = content.index(b"\x08\x00\x16\x00UI")
    path.write_bytes(content[:at] + b"\x08\x00\x01\x00UN\0\0\xf0\xff\xff\xff" + content[at:])


add("dicom of nested sequences", dicom(raw=nested))
add("dicom of a long element", dicom(raw=long_element))
add("dicom text", dicom(every=False, raw=lambda path: path.write_text("Patient " + PLANTED) and None))
add("dicom empty", dicom(every=False, raw=lambda path: path.write_bytes(b"") and None))
add("dicom without its beginning", dicom(raw=lambda path: path.write_bytes(path.read_bytes()[132:]) and None))
add("dicom sparse", dicom(every=False, raw=lambda path: os.truncate(path, 3 << 30)), "either")
add(
    "dicom names not utf-8",
    lambda folder, sound: (
        [os.rename(path, path.with_name(os.fsdecode(b"\xff") + path.name)) for path in phantom_series(folder, sound).iterdir()],
        segment(),
    )[-1],
    "either",
    check=lambda work, sound: "",
)
add(
    "dicom JPEG names not utf-8",
    lambda folder, sound: (
        phantom_dicom(encapsulated("JPEG"))(folder, sound),
        [os.rename(path, path.with_name(os.fsdecode(b"\xff") + path.name)) for path in (folder / "case").iterdir()],
        segment(),
    )[-1],
    "either",
    check=lambda work, sound: "",
)
right(
    "dicom beside a pipe and a socket",
    lambda folder, sound: (
        phantom_series(folder, sound),
        os.mkfifo(folder / "case/a.dcm"),
        os.mkfifo(folder / "case/IM7"),
        unix_socket(folder / "case/s"),
        (folder / "case/zero").symlink_to("/dev/zero"),
        (folder / "case/circle").symlink_to("circle"),
        segment(),
    )[-1],
)


def enhanced(
    change: Callable[[pydicom.Dataset], object] = lambda data: None, raw: Callable[[Path], object] = lambda path: None
) -> Build:
    """One object of all slices of water."""

    def build(folder: Path, sound: Path) -> list[str]:
        (folder / "case").mkdir()
        path = write_enhanced(folder / "case/a.dcm", frames_of({"water": STORED["water"]}, FRAME_KINDS))
        data = pydicom.dcmread(path)
        change(data)
        pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
        data.save_as(path)
        raw(path)
        return segment()

    return build


def setting(**tags) -> Callable[[pydicom.Dataset], None]:
    def change(data: pydicom.Dataset) -> None:
        for tag, value in tags.items():
            setattr(data, tag, value)

    return change


def measures(**tags) -> Callable[[pydicom.Dataset], None]:
    """Tags of the pixel measures of every frame, or of those shared."""

    def change(data: pydicom.Dataset) -> None:
        for groups in (*data.get("SharedFunctionalGroupsSequence", ()), *data.PerFrameFunctionalGroupsSequence):
            for group in groups.get("PixelMeasuresSequence", ()):
                setting(**tags)(group)

    return change


def multiplied(data: pydicom.Dataset) -> None:
    """Frames packed as JPEG 2000 of which one is cut short."""
    streams = [pillow(frame, "JPEG2000") for frame in data.pixel_array]
    data.file_meta.TransferSyntaxUID = JPEG_2000
    data.PixelData = encapsulate([*streams[:-1], streams[-1][:30]])
    data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True


for _name, _change in {
    "frames 19": setting(NumberOfFrames=19),
    "frames a billion": setting(NumberOfFrames=10**9),
    "no groups": lambda data: delattr(data, "PerFrameFunctionalGroupsSequence"),
    "groups a text": lambda data: setattr(data, "PerFrameFunctionalGroupsSequence", []),
    "spacing of one": measures(PixelSpacing=[1.25]),
    "spacing nan": measures(PixelSpacing=["nan", "nan"]),
    "rows 60000": setting(Rows=60000),
    "JPEG 2000 of a frame cut short": multiplied,
    "bits 64": setting(BitsAllocated=64),
    "no pixels": lambda data: delattr(data, "PixelData"),
}.items():
    add(f"enhanced {_name}", enhanced(_change))
for _count in (200, 3000, 9000):
    add(f"enhanced of {_count} bytes", enhanced(raw=lambda path, count=_count: os.truncate(path, count)))
for _name, _make in {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a file": lambda path: path.write_text("x"),
    "empty": os.mkdir,
    "a circle": lambda path: path.symlink_to(path),
    "another examination": lambda path: write_series(path, {"water": PHILIPS["water"]}),
}.items():
    add(
        f"--dicom {_name}",
        lambda folder, sound, make=_make: (copy(sound, folder), make(folder / "series"), segment("--dicom", "series"))[-1],
    )


# --- names ------------------------------------------------------------------------------------------------------------------

BYTES = os.fsdecode(b"\xff\xfe")
for _option in ("--reference", "--water", "--model", "--dicom", "--study", "--lowest-level", "--fat"):
    for _word, _value in {
        "not utf-8": BYTES,
        "control": "a\x1b[31m\nb",
        "long": "x" * 4000,
        "a dash": "./-",
        "%": "%s%n{}",
    }.items():
        _expected = "right" if _option == "--study" else "refused"
        add(f"{_option} {_word}", sound_case(_option, _value), _expected)
add("--as without a file", sound_case("--as", "water"))
add("--study of files", sound_case("--study", "0"), "right")
add("reference a folder", special("r.nii", os.mkdir, "--reference", "r.nii"))
add(
    "reference of another place",
    lambda folder, sound: (
        copy(sound, folder),
        small(folder / "r.nii", np.pad(np.ones((4, 6, 3)), [(5, 11), (9, 25), (8, 29)])),
        segment("--reference", "r.nii"),
    )[-1],
    "right",
)
add(
    "reference of noise",
    lambda folder, sound: (
        copy(sound, folder),
        small(folder / "r.nii", np.random.default_rng(1).integers(0, 2, (60, 200, 200))),
        segment("--reference", "r.nii"),
    )[-1],
    "right",
)
add(
    "reference empty",
    lambda folder, sound: (copy(sound, folder), small(folder / "r.nii", np.zeros(SMALL)), segment("--reference", "r.nii"))[-1],
)
add(
    "reference planted",
    lambda folder, sound: (
        copy(sound, folder),
        shutil.copy(sound / "reference.nii.gz", folder / f"{PLANTED}.nii.gz"),
        segment("--reference", f"{PLANTED}.nii.gz"),
    )[-1],
    "right",
)
add(
    "named files planted",
    lambda folder, sound: (
        copy(sound, folder),
        shutil.copy(sound / "fat.nii.gz", folder / f"{PLANTED}.nii.gz"),
        segment("--fat", f"{PLANTED}.nii.gz"),
    )[-1],
    "right",
)
add("case is the current folder", lambda folder, sound: (copy(sound, folder), ["segment", ".", "-o", "out"])[-1])
add("case is empty and the current folder", lambda folder, sound: ["segment", ".", "-o", "out"])
add("case is the root", lambda folder, sound: ["segment", "/proc/self/fd", "-o", "out"])
add(
    "case in a circle of folders",
    lambda folder, sound: (
        (folder / "case").mkdir(),
        (folder / "case/a").symlink_to(".."),
        (folder / "case/b").symlink_to("b"),
        segment(),
    )[-1],
)
add(
    "files in a circle",
    lambda folder, sound: (
        (folder / "a.nii").symlink_to("b.nii"),
        (folder / "b.nii").symlink_to("a.nii"),
        ["segment", "a.nii", "--as", "water", "-o", "out"],
    )[-1],
)
add(
    "data file of a header is a circle",
    lambda folder, sound: (
        text_header("water.mha", "ElementDataFile", "ElementDataFile = c.raw")(folder, sound),
        (folder / "case/c.raw").symlink_to("c.raw"),
        segment(),
    )[-1],
)
add(
    "data file of a header leads elsewhere",
    lambda folder, sound: (
        text_header("water.mha", "ElementDataFile", "ElementDataFile = c.raw")(folder, sound),
        (folder / "case/c.raw").symlink_to("/etc/passwd"),
        segment(),
    )[-1],
)
add(
    "file not utf-8 in ascii",
    lambda folder, sound: (os.rename(copy(sound, folder, "water") / "water.nii.gz", folder / "case" / NOT_UTF8), segment())[-1],
    "either",
    environment=ASCII,
)
for _bytes in (b"\xed\xa0\x80", b"\xc3(", b"\xf0\x9f\xa6\xb4"):
    add(f"case called {_bytes!r}", lambda folder, sound, name=_bytes: ["segment", os.fsdecode(name), "-o", "out"])


# --- output folders ---------------------------------------------------------------------------------------------------------

NOTHING = lambda folder: None  # noqa: E731
for _name, _to in {
    "out a device": "/dev/null",
    "out full": "/dev/full",
    "out below a device": "/dev/null/x",
    "out in proc": "/proc/self/x",
    "out of 300 letters": "o" * 300,
    "out deep": "/".join(["d" * 200] * 30),
    "out the root's": "/proc",
}.items():
    add(_name, output(NOTHING, to=_to))
add("out below a file", output(lambda folder: (folder / "f").write_text("x"), to="f/out"))
add("out a file", output(lambda folder: (folder / "out").write_text("x")))
add("out a pipe", output(lambda folder: os.mkfifo(folder / "out")))
add(
    "out a link to nothing",
    output(lambda folder: (folder / "out").symlink_to("nothing/there")),
    "either",
    check=lambda work, sound: "",
)
add("out a link to a file", output(lambda folder: ((folder / "f").write_text("x"), (folder / "out").symlink_to("f"))))
add(
    "out surfaces lead elsewhere",
    output(
        lambda folder: ((folder / "out").mkdir(), (folder / "else").mkdir(), (folder / "out/surfaces").symlink_to("../else"))
    ),
)
add(
    "out discs lead elsewhere",
    output(
        lambda folder: (
            (folder / "out").mkdir(),
            (folder / "theirs").write_text("x"),
            (folder / "out/discs.nii.gz").symlink_to("../theirs"),
        )
    ),
)
add("out surfaces a file", output(lambda folder: ((folder / "out").mkdir(), (folder / "out/surfaces").write_text("x"))))
add(
    "out a report that lists others'",
    output(
        lambda folder: (
            theirs("discs.nii.gz")(folder),
            (folder / "out/report.json").write_text(
                json.dumps({"versions": {"ivdseg": "0"}, "files": {"discs.nii.gz": "0" * 64}})
            ),
        )
    ),
)
add(
    "out a report that lists a pipe",
    output(
        lambda folder: (
            (folder / "out").mkdir(),
            os.mkfifo(folder / "out/discs.nii.gz"),
            (folder / "out/report.json").write_text(
                json.dumps({"versions": {"ivdseg": "0"}, "files": {"discs.nii.gz": "0" * 64}})
            ),
        )
    ),
)
add(
    "out a report of numbers",
    output(
        lambda folder: (
            (folder / "out").mkdir(),
            (folder / "out/report.json").write_text('{"versions": {"ivdseg": "0"}, "files": [[1, 2], 3]}'),
        )
    ),
)
add("out is the case", lambda folder, sound: (copy(sound, folder), ["segment", "case", "-o", "case"])[-1], "right")
add("out is the current folder", lambda folder, sound: (copy(sound, folder), ["segment", "case", "-o", "."])[-1], "right")
add("out goes up", lambda folder, sound: (copy(sound, folder), ["segment", "case", "-o", "new/../other/../out"])[-1], "right")
add("json nobody can be shown", sound_case("--json"), "refused", redirection=">/dev/full")
add("json to a closed stream", sound_case("--json"), "right", redirection=">&-")
add("files of 100 kB at most", sound_case(), "refused", shell="ulimit -f 100")
add("eighteen open files", sound_case(), "either", shell="ulimit -n 18")
add("current folder is gone", lambda folder, sound: ["segment", "../case", "-o", "out"], shell="mkdir g; cd g; rmdir ../g")
add("current folder is gone, evaluate", lambda folder, sound: ["evaluate", "a", "b"], shell="mkdir g; cd g; rmdir ../g")


# --- other commands ---------------------------------------------------------------------------------------------------------


def phantom_over(name: str, make: Callable[[Path], object] = lambda path: path.write_text("an expert's"), *more: str) -> Build:
    def build(folder: Path, sound: Path) -> list[str]:
        (folder / "p").mkdir()
        make(folder / "p" / name)
        return ["phantom", "p", *more]

    return build


for _name in ("water.nii.gz", "reference.nii.gz"):
    add(f"phantom over {_name}", phantom_over(_name))
add("phantom over a link", phantom_over("fat.nii.gz", lambda path: path.symlink_to("../x")))
add("phantom over a pipe", phantom_over("fat.nii.gz", os.mkfifo))
add("phantom over a folder", phantom_over("fat.nii.gz", os.mkdir))
add("phantom over what it may", phantom_over("water.nii.gz", lambda path: path.write_text("x"), "--overwrite"), "right")
add("phantom into a file", lambda folder, sound: ((folder / "p").write_text("x"), ["phantom", "p"])[-1])
for _to in ("/dev/null", "/dev/full/x", "/proc/x", "p" * 300, BYTES, "\udcff/x"):
    add(f"phantom into {_to[:12]!r}", lambda folder, sound, to=_to: ["phantom", to])
add("phantom with a huge seed", lambda folder, sound: ["phantom", "p", "--seed", "4294967295"], "right")
for _seed in ("4294967296", "1e9", "٣", "", " 1", "0x10", "-0"):
    add(f"usage phantom --seed {_seed!r}", lambda folder, sound, seed=_seed: ["phantom", "p", "--seed", seed], "usage")
for _arguments in (
    ["segment", "case", "-o", "out", "--engine", "abacus"],
    ["segment", "case", "-o", "out", "--as", "\x1b[31m"],
    ["segment", "case", "-o", "out", "\x1b[31m", "more\n"],
    ["segment", "case", "-o", "out", "--study"],
    ["segment", "case", "case", "-o", "out"],
    ["segment", "case", "-o", "out", "--dicom", ""],
    ["segment", "case", "-o", "out", "--\x1b[2J"],
    ["cohort"],
    ["cohort", "x"],
    ["cohort", "x", "-o", "out", "--workers", "-1"],
    ["cohort", "x", "-o", "out", "--workers", "0"],
    ["cohort", "x", "-o", "out", "--workers", "10000000"],
    ["cohort", "x", "-o", "out", "--workers", "٣"],
    ["cohort", "x", "-o", "out", "--only", "x"],
    ["cohort", "x", "-o", "out", "--memory-limit", "much"],
    ["cohort", "x", "-o", "out", "--memory-limit", "-1"],
    ["cohort", "x", "-o", "out", "--memory-limit", "1kB"],
    ["cohort", "x", "-o", "out", "--memory-limit", "9" * 400],
    ["cohort", "x", "-o", ""],
    ["check", "--phantoms", "1.5"],
    ["check", "--first-seed", "x"],
    ["check", "--every", "0"],
    ["train", "x", "-o", "out"],
    ["crossvalidate", "segmenter", "-o", "out", "--folds", "5"],
    ["crossvalidate", "segmenter", "-o", "out", "--only", "-1"],
    ["fit", "x", "--runs", "r", "-o", "out"],
    ["paper", "-o", "out", "--table", "VI"],
    [],
    [""],
    ["--debug"],
    ["segment\n"],
):
    add(f"usage {' '.join(_arguments)!r}", lambda folder, sound, given=_arguments: given, "usage")
for _arguments in (
    ["check", "--model", "none"],
    ["check", "--model", "/dev/zero"],
    ["check", "--model", "./m"],
    ["check", "--model", BYTES],
    ["check", "--real", "nowhere"],
    ["check", "--real", "/dev/zero"],
    ["check", "--real", "nowhere", "--variants", "x\x1b"],
    ["train", "segmenter", "--data", "nowhere", "-o", "out"],
    ["train", "segmenter", "--data", "/dev/null", "-o", "out"],
    ["train", "localizer", "--data", "nowhere", "-o", "out", "--leave-out", "9/0"],
    ["train", "segmenter", "--data", "nowhere", "-o", "out", "--start", "/dev/zero"],
    ["crossvalidate", "segmenter", "--data", "nowhere", "-o", "out", "--only", "77"],
    ["fit", "levels", "--data", "nowhere", "--runs", "r", "-o", "out"],
    ["fit", "levels", "--data", "nowhere", "--runs", "/dev/zero", "-o", "out"],
    ["paper", "--data", "nowhere", "-o", "out"],
    ["paper", "--data", "/dev/zero", "-o", "out"],
    ["release", "--localizer", "l", "--segmenter", "s", "--card", "c", "-o", "out"],
    ["release", "--localizer", "l", "--segmenter", "s", "--card", "/dev/zero", "-o", "out"],
    ["cohort", "nowhere", "-o", "out"],
    ["cohort", "/dev/zero", "-o", "out"],
    ["cohort", BYTES, "-o", "out"],
    ["cohort", "x" * 300, "-o", "out"],
    ["cohort", "--summary", "nowhere"],
    ["cohort", "--summary", "/dev/zero"],
    ["cohort", "--summary", BYTES],
    ["evaluate", "/dev/zero", "/dev/zero"],
    ["evaluate", "x" * 300, "b"],
    ["evaluate", BYTES, BYTES],
    ["evaluate", ".", "."],
):
    add(f"refused {' '.join(_arguments)!r:.90}", lambda folder, sound, given=_arguments: given)
add(
    "release with a pipe for a card",
    lambda folder, sound: (
        os.mkfifo(folder / "c"),
        ["release", "--localizer", "l", "--segmenter", "s", "--card", "c", "-o", "out"],
    )[-1],
)
add(
    "release with a deep card",
    lambda folder, sound: (
        (folder / "c").write_text("[" * 10**6),
        ["release", "--localizer", "l", "--segmenter", "s", "--card", "c", "-o", "out"],
    )[-1],
)


def table(content: bytes, *more: str) -> Build:
    return lambda folder, sound: ((folder / "t.csv").write_bytes(content), ["cohort", "t.csv", "-o", "out", "--quiet", *more])[
        -1
    ]


for _name, _content in {
    "empty": b"",
    "of zeros": bytes(5000),
    "not utf-8": b"case,water\n\xff\xfe,x\n",
    "without a column": b"name,water\na,b\n",
    "without a line": b"case,water\n",
    "with a case twice": b"case,water\na,x\na,y\n",
    "of no name": b"case,water\n,x\n",
    "of an unknown level": b"case,water,lowest_level\na,x,L9\n",
    "of one long field": b'case,water\n"' + b"x" * 3_000_000,
    "of quotes": b'case,water\n"""""",x\n"',
    "a spreadsheet": b"PK\x03\x04" + bytes(range(256)) * 20,
}.items():
    add(f"cohort table {_name}", table(_content))
add(
    "cohort of pipes",
    lambda folder, sound: (
        (folder / "in/a").mkdir(parents=True),
        os.mkfifo(folder / "in/a/x.dcm"),
        (folder / "in/z").symlink_to("/dev/zero"),
        ["cohort", "in", "-o", "out", "--quiet"],
    )[-1],
)
add("cohort of an empty folder", lambda folder, sound: ((folder / "in").mkdir(), ["cohort", "in", "-o", "out", "--quiet"])[-1])
add(
    "cohort in a circle",
    lambda folder, sound: (
        (folder / "in").mkdir(),
        (folder / "in/a").symlink_to(".."),
        (folder / "in/b").symlink_to("b"),
        ["cohort", "in", "-o", "out", "--quiet"],
    )[-1],
)
for _name, _make in {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": os.mkdir,
    "sparse": lambda path: (path.write_bytes(b""), os.truncate(path, 5 << 30)),
}.items():
    add(
        f"cohort pseudonyms {_name}",
        lambda folder, sound, make=_make: (
            copy(sound, folder),
            make(folder / "p.csv"),
            ["cohort", "case", "-o", "out", "--quiet", "--pseudonyms", "p.csv"],
        )[-1],
    )
for _option, _value in (
    ("--workers", "10000"),
    ("--scheduler", "nonsense"),
    ("--scheduler", "tcp://127.0.0.1:9"),
    ("--model", "none"),
    ("--model", "a\nb"),
):
    add(
        f"cohort {_option} {_value!r}",
        lambda folder, sound, option=_option, value=_value: (
            copy(sound, folder),
            ["cohort", "case", "-o", "out", "--quiet", option, value],
        )[-1],
    )
add(
    "cohort into a file",
    lambda folder, sound: (copy(sound, folder), (folder / "out").write_text("x"), ["cohort", "case", "-o", "out", "--quiet"])[
        -1
    ],
)
add(
    "cohort over another's page",
    lambda folder, sound: (
        copy(sound, folder),
        (folder / "out").mkdir(),
        (folder / "out/index.html").write_text("an expert's"),
        ["cohort", "case", "-o", "out", "--quiet"],
    )[-1],
)
add(
    "cohort over an expert's discs",
    lambda folder, sound: (
        copy(sound, folder),
        (folder / "out/cases/case").mkdir(parents=True),
        (folder / "out/cases/case/discs.nii.gz").write_text("an expert's"),
        ["cohort", "case", "-o", "out", "--quiet"],
    )[-1],
    "either",
    check=lambda work, sound: "" if (work / "out/cases/case/discs.nii.gz").read_bytes() == b"an expert's" else "replaced",
)


def sick_cohort(folder: Path, sound: Path) -> list[str]:
    """A sound case among some that are none."""
    (folder / "in").mkdir()
    shutil.copytree(copy(sound, folder), folder / "in" / "good")
    for name, content in {"short": b"x", "empty": b"", "nrrd": b"NRRD0004\n"}.items():
        (folder / "in" / name).mkdir()
        (folder / "in" / name / "water.nii").write_bytes(content)
    (folder / "in" / "pipe").mkdir()
    os.mkfifo(folder / "in/pipe/water.nii")
    (folder / "in" / os.fsdecode(b"\xff")).mkdir()
    (folder / "in" / os.fsdecode(b"\xff") / "water.nii").write_bytes(b"x")
    (folder / "in" / "dicom").mkdir()
    (folder / "in" / "dicom" / "a.dcm").write_bytes(b"x" * 5000)
    return ["cohort", "in", "-o", "out", "--quiet", "--workers", "1"]


def one_is_done(work: Path, sound: Path) -> str:
    import pandas

    states = sorted(pandas.read_parquet(work / "out" / "cases.parquet")["status"])
    return "" if states == ["done", *["failed"] * 6] else f"cases ended as {states}"


add("cohort of sick cases", sick_cohort, "right", check=one_is_done)

for _name, _make in {
    "labels of 1e300": lambda folder: np.where(np.arange(32000).reshape(SMALL) % 7, 0, 1e38).astype(np.float32),
    "60000 labels": lambda folder: np.arange(32000).reshape(SMALL).astype(np.uint16),
    "a checkerboard": lambda folder: (np.indices(SMALL).sum(axis=0) % 2).astype(np.uint8),
    "a single voxel": lambda folder: np.pad(np.ones((1, 1, 1), np.uint8), [(9, 10), (19, 20), (19, 20)]),
    "all of it": lambda folder: np.ones(SMALL, np.uint8),
    "a plane": lambda folder: np.pad(np.ones((20, 40, 1), np.uint8), [(0, 0), (0, 0), (20, 19)]),
    "nothing": lambda folder: np.zeros(SMALL, np.uint8),
}.items():
    add(f"evaluate {_name}", evaluate(_make), "either")
    add(f"evaluate {_name} with itself", evaluate(_make, both=True), "either")
add(
    "evaluate far away",
    lambda folder, sound: (
        small(folder / "a.nii"),
        sitk.WriteImage(moved(sitk.ReadImage(str(folder / "a.nii"))), str(folder / "b.nii")),
        ["evaluate", "a.nii", "b.nii"],
    )[-1],
)
add(
    "evaluate folders in a circle",
    lambda folder, sound: (
        [
            ((folder / n).mkdir(), (folder / n / "up").symlink_to(".."), (folder / n / "x.nii").symlink_to("x.nii"))
            for n in "ab"
        ],
        ["evaluate", "a", "b"],
    )[-1],
)
add(
    "evaluate devices in folders",
    lambda folder, sound: (
        [((folder / n).mkdir(), (folder / n / "x.nii").symlink_to("/dev/zero")) for n in "ab"],
        ["evaluate", "a", "b"],
    )[-1],
)
add(
    "evaluate names not utf-8 in folders",
    lambda folder, sound: (
        [small(folder / n / "x.nii", np.pad(np.ones((4, 6, 3)), [(5, 11), (9, 25), (8, 29)])) for n in "ab"],
        [os.rename(folder / n / "x.nii", folder / n / f"{BYTES}.nii") for n in "ab"],
        ["evaluate", "a", "b"],
    )[-1],
    "either",
)


def moved(image: sitk.Image) -> sitk.Image:
    image.SetOrigin((1e6, 1e6, 1e6))
    return image


# --- models -----------------------------------------------------------------------------------------------------------------


def levels_card(**changes) -> Callable[[Path], None]:
    return card(levels=changes)


for _name, _change in {
    "chain missing": levels_card(chain=None),
    "chain nan": levels_card(chain={"step": [NAN] * 6}),
    "chain a text": levels_card(chain="x"),
    "levels a list": card(levels=[1]),
    "levels features 0": levels_card(parameters={"features": [0, 0]}),
    "levels features negative": levels_card(parameters={"features": [-8]}),
    "levels features nan": levels_card(parameters={"features": [NAN]}),
    "segmenter channels none": card(segmenter={"parameters": {}}),
    "confidence infinite": card(confidence={"segmenter": [1e308, 1e308]}),
    "confidence missing": card(confidence=None),
    "no segmenter": card(segmenter=None),
    "inputs unknown": card(segmenter={"inputs": ["x"]}),
    "weights its own card": card(localizer={"weights": "card.json"}),
    "card a device": lambda folder: ((folder / "card.json").unlink(), (folder / "card.json").symlink_to("/dev/zero")),
    "weights in a circle": lambda folder: (
        (folder / "localizer.npz").unlink(),
        (folder / "localizer.npz").symlink_to("localizer.npz"),
    ),
    "weights sparse": lambda folder: os.truncate(folder / "localizer.npz", 8 << 30),
    "weights of the other network": lambda folder: shutil.copy(folder / "segmenter.npz", folder / "localizer.npz"),
}.items():
    add(f"model {_name}", model(_change), "either" if _name in ("inputs unknown", "confidence infinite") else "refused")
for _model in ("", ".", "..", "/", "/dev/zero", "default/../../x", "./" + "m" * 300, BYTES):
    add(f"model called {_model[:20]!r}", sound_case("--model", _model))


# --- surroundings -----------------------------------------------------------------------------------------------------------

for _settings in (
    {"KERAS_BACKEND": "jax"},
    {"KERAS_HOME": "/dev/null"},
    {"TMPDIR": "/nonexistent"},
    {"TMPDIR": "/dev/null"},
    {"TMPDIR": "/proc"},
    {"HOME": "/nonexistent"},
    {"LC_ALL": "xx_XX.nonsense"},
    {"PYTHONOPTIMIZE": "2"},
    {"PYTHONDEVMODE": "1"},
    {"PYTHONUNBUFFERED": "1"},
    {"OMP_NUM_THREADS": "-1"},
    {"OPENBLAS_NUM_THREADS": "x"},
    {"CUDA_VISIBLE_DEVICES": "nonsense"},
    {"TF_CPP_MIN_LOG_LEVEL": "x"},
    {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "-3"},
    {"ITK_GLOBAL_DEFAULT_THREADER": "nonsense"},
    {"ITK_AUTOLOAD_PATH": "/nonexistent"},
    {"TERM": "nonsense", "COLUMNS": "x", "LINES": "-1"},
    {"MPLBACKEND": "nonsense"},
    {"OPENVINO_LOG_LEVEL": "5"},
    {"ONEDNN_VERBOSE": "2"},
    {"TQDM_MININTERVAL": "x", "TQDM_NCOLS": "x"},
    {"SITK_SHOW_COMMAND": "x"},
):
    add(f"settings {next(iter(_settings.items()))}", sound_case(), "right", environment=_settings)
for _engine in ("tensorflow", "openvino"):
    add(
        f"settings of {_engine}",
        sound_case("--engine", _engine),
        "right",
        environment={"KERAS_BACKEND": "torch", "TF_USE_LEGACY_KERAS": "1"},
    )
add("a graphics card that is not there", sound_case("--device", "gpu"))
for _where in (">&- 2>&-", ">/dev/full 2>/dev/full", "<&- >&- 2>&-", "</dev/zero", "2>&1 >/dev/full"):
    add(f"stream {_where}", sound_case(), "right", redirection=_where)
add("help nobody can be shown", lambda folder, sound: ["--help"], "refused", redirection=">/dev/full")
add("version nobody can be shown", lambda folder, sound: ["--version"], "refused", redirection=">/dev/full")
add(
    "planted settings folder",
    lambda folder, sound: ((folder / ".keras").mkdir(), os.mkfifo(folder / ".keras/keras.json"), sound_case()(folder, sound))[
        -1
    ],
    "right",
    environment={"HOME": "."},
)
add(
    "settings folder is a file",
    lambda folder, sound: ((folder / ".keras").write_text("x"), sound_case()(folder, sound))[-1],
    "right",
    environment={"HOME": "."},
)
add(
    "a dead run's leftovers",
    output(
        lambda folder: (
            (folder / "out/.ivdseg-0123456789abcdef0123456789abcdef").mkdir(parents=True),
            (folder / "out/.ivdseg-0123456789abcdef0123456789abcdef.lock").touch(),
            (folder / "out/.ivdseg-0123456789abcdef0123456789abcdef/moves").write_text("../../x\t/etc/passwd\n"),
        )
    ),
    "right",
)

for _signal in ("SIGINT", "SIGTERM", "SIGHUP"):
    for _delay in (0.35, 0.5, 1.0, 1.5, 2.0, 3.0):
        add(f"{_signal} after {_delay} s", sound_case(), f"{_signal} {_delay}")
for _command, _given in {
    "phantom": ["phantom", "p"],
    "check": ["check", "--phantoms", "3"],
    "cohort": ["cohort", "case", "-o", "out", "--quiet"],
}.items():
    for _signal, _delay in (("SIGINT", 0.6), ("SIGINT", 1.5), ("SIGTERM", 1.2)):
        add(
            f"{_signal} after {_delay} s, {_command}",
            lambda folder, sound, given=_given: (copy(sound, folder), given)[-1],
            f"{_signal} {_delay}",
        )

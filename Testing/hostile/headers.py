"""Headers of NIfTI, NRRD and MetaImage that contradict themselves, lie, or promise too much; and sound ones of every kind."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

from .campaign import PLANTED, Build, add, right
from .cases import INF, NAN, SMALL, copy, segment, small


def nifti(changes: dict[int, tuple[str, object]], packed=False, sound_case=False) -> Build:
    """Bytes of the header of a NIfTI file replaced: {offset: (numpy type, value)}."""

    def build(folder: Path, sound: Path) -> list[str]:
        path = folder / "case" / "water.nii"
        if sound_case:
            path.parent.mkdir()
            path.write_bytes(gzip.decompress((sound / "water.nii.gz").read_bytes()))
        else:
            small(path)
        content = bytearray(path.read_bytes())
        for offset, (kind, value) in changes.items():
            raw = np.asarray(value).astype("<" + kind).tobytes()
            content[offset : offset + len(raw)] = raw
        path.write_bytes(content)
        if packed:
            path.with_name("water.nii.gz").write_bytes(gzip.compress(bytes(content), 1))
            path.unlink()
        return segment()

    return build


def text_header(name: str, old: str, new: str | None) -> Build:
    """A line of a NRRD or MetaImage header replaced, or left out."""

    def build(folder: Path, sound: Path) -> list[str]:
        path = small(folder / "case" / name)
        content = path.read_bytes()
        line = next(line for line in content.split(b"\n") if line.startswith(old.encode()))
        path.write_bytes(content.replace(line + b"\n", b"" if new is None else new.encode("latin-1") + b"\n", 1))
        return segment()

    return build


def raw_file(name: str, content: bytes | Callable[[bytes], bytes], arguments: list[str] | None = None) -> Build:
    """A file of these bytes, or made from those of a sound one of the same format."""

    def build(folder: Path, sound: Path) -> list[str]:
        path = folder / "case" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            small(path, compress=name.endswith("gz"))
            path.write_bytes(content(path.read_bytes()))
        else:
            path.write_bytes(content)
        return arguments or segment()

    return build


NIFTI = {
    "pixdim 0": {80: ("f4", 0.0)},
    "pixdim nan": {84: ("f4", NAN)},
    "pixdim inf": {88: ("f4", INF)},
    "pixdim negative": {84: ("f4", -1.25)},
    "pixdim 1e6": {88: ("f4", 1e6)},
    "pixdim tiny": {80: ("f4", 1e-30)},
    "voxels of 20 mm": {80: ("f4", 20.0), 280: ("f4", -20.0)},
    "metres": {123: ("u1", 1)},
    "micrometres": {123: ("u1", 3)},
    "bitpix 8": {72: ("i2", 8)},
    "datatype 0": {70: ("i2", 0)},
    "datatype 1": {70: ("i2", [1, 1])},
    "complex": {70: ("i2", [32, 64])},
    "rgb": {70: ("i2", [128, 24])},
    "float128": {70: ("i2", [1536, 128])},
    "terabytes": {42: ("i2", [30000, 30000, 30000])},
    "dim negative": {42: ("i2", [-20, 40, 40])},
    "dim zero": {42: ("i2", [0, 40, 40])},
    "dim0 0": {40: ("i2", 0)},
    "dim0 99": {40: ("i2", 99)},
    "dim0 2": {40: ("i2", 2)},
    "five frames": {40: ("i2", [4, 20, 40, 8, 5])},
    "vox_offset nan": {108: ("f4", NAN)},
    "vox_offset inf": {108: ("f4", INF)},
    "vox_offset 0": {108: ("f4", 0.0)},
    "vox_offset huge": {108: ("f4", 1e9)},
    "vox_offset negative": {108: ("f4", -352.0)},
    "scl_slope 1e38": {112: ("f4", [3e38, 0])},
    "scl_inter -1e38": {112: ("f4", [1.0, -3e38])},
    "origin nan": {292: ("f4", NAN)},
    "origin inf": {308: ("f4", INF)},
    "sheared": {280: ("f4", [-2.0, 0.8, 0.0])},
    "sform larger": {280: ("f4", [-4.0, 0, 0, -10, 0, -2.5, 0, -20, 0, 0, 2.5, 30])},
    "sform zero": {280: ("f4", [0.0] * 12)},
    "sform alone contradicts": {292: ("f4", 500.0)},
    "qform alone contradicts": {268: ("f4", -500.0)},
    "sform code 2 contradicts": {254: ("i2", 2), 292: ("f4", 500.0)},
    "sform code 4 turned": {254: ("i2", 4), 280: ("f4", [0, 1.25, 0, 5, 2, 0, 0, 6, 0, 0, 1.25, 7])},
    "neither coded": {252: ("i2", [0, 0])},
    "qform no rotation": {254: ("i2", 0), 256: ("f4", [0.9, 0.9, 0.9])},
    "qform nan": {254: ("i2", 0), 256: ("f4", [NAN, 0, 0])},
    "magic of a pair": {344: ("u1", list(b"ni1\0"))},
    "sizeof_hdr": {0: ("i4", 1234)},
}
for _name, _changes in NIFTI.items():
    add(f"nifti {_name}", nifti(_changes))
    if _name in ("terabytes", "pixdim 0", "sform alone contradicts", "vox_offset nan", "bitpix 8"):
        add(f"nifti gz {_name}", nifti(_changes, packed=True))
for _length in (0, 1, 2, 3, 100, 347, 348, 351, 5000):
    add(f"nifti of {_length} bytes", raw_file("water.nii", lambda content, n=_length: content[:n]))
add("nifti gz cut short", raw_file("water.nii.gz", lambda content: content[:-3000]))
add("nifti gz bad checksum", raw_file("water.nii.gz", lambda content: content[:-8] + b"\0\0\0\0" + content[-4:]))
add("nifti gz bomb", raw_file("water.nii.gz", lambda content: content + gzip.compress(bytes(2_000_000_000), 1)))
add("nifti gz of zeros", raw_file("water.nii.gz", gzip.compress(bytes(1_000_000_000), 1)))
add("nifti not gz", raw_file("water.nii.gz", b"no gzip at all"))
add("nifti is nrrd", raw_file("water.nii", b"NRRD0004\n" * 200))
add("nifti empty", raw_file("water.nii", b""))
add("nifti text", raw_file("water.nii", b"Patient: " + PLANTED.encode() * 100))

NRRD = {
    "sheared": ("space directions", "space directions: (2,0,0) (0.8,1.25,0) (0,0,1.25)"),
    "scaled to metres": ("space directions", "space directions: (2000,0,0) (0,1250,0) (0,0,1250)"),
    "none": ("space directions", "space directions: none none none"),
    "nan": ("space directions", "space directions: (nan,0,0) (0,1.25,0) (0,0,1.25)"),
    "two directions": ("space directions", "space directions: (2,0,0) (0,1.25,0)"),
    "text": ("space directions", "space directions: (two,0,0) (0,1,0) (0,0,1)"),
    "zero": ("space directions", "space directions: (0,0,0) (0,1,0) (0,0,1)"),
    "origin nan": ("space origin", "space origin: (nan,nan,nan)"),
    "origin text": ("space origin", "space origin: here"),
    "space unknown": ("space:", "space: scanner-xyz-time"),
    "units": ("kinds", 'space units: "km" "km" "km"'),
    "sizes terabytes": ("sizes", "sizes: 9000000 9000000 9000000"),
    "sizes negative": ("sizes", "sizes: -20 40 40"),
    "sizes text": ("sizes", "sizes: twenty 40 40"),
    "sizes more": ("sizes", "sizes: 20 40 41"),
    "dimension 0": ("dimension", "dimension: 0"),
    "dimension 100": ("dimension", "dimension: 100"),
    "type block": ("type", "type: block"),
    "type none": ("type", None),
    "encoding unknown": ("encoding", "encoding: rot13"),
    "encoding gzip lies": ("encoding", "encoding: gzip"),
    "data elsewhere": ("encoding", "encoding: raw\ndata file: /etc/passwd"),
    "data device": ("encoding", "encoding: raw\ndata file: /dev/zero"),
    "data above": ("encoding", "encoding: raw\ndata file: ../../secret.raw"),
    "data list": ("encoding", "encoding: raw\ndata file: LIST"),
    "data absent": ("encoding", "encoding: raw\ndata file: absent.raw"),
    "twice": ("kinds", "type: double"),
    "endian missing": ("endian", None),
    "not utf-8": ("kinds", "content: \xff\xfe\x80\n" + "space: \xff"),
}
for _name, (_old, _new) in NRRD.items():
    add(f"nrrd {_name}", text_header("water.nrrd", _old, _new))
META = {
    "sheared": ("TransformMatrix", "TransformMatrix = 1 0 0 0.6 0.8 0 0 0 1"),
    "scaled": ("TransformMatrix", "TransformMatrix = 2 0 0 0 2 0 0 0 2"),
    "zero": ("TransformMatrix", "TransformMatrix = 0 0 0 0 0 0 0 0 0"),
    "short matrix": ("TransformMatrix", "TransformMatrix = 1 0 0"),
    "spacing 0": ("ElementSpacing", "ElementSpacing = 2 0 1.25"),
    "spacing nan": ("ElementSpacing", "ElementSpacing = nan nan nan"),
    "spacing 1e6": ("ElementSpacing", "ElementSpacing = 1e6 1e6 1e6"),
    "offset text": ("Offset", "Offset = a b c"),
    "ndims 100": ("NDims", "NDims = 100"),
    "ndims 0": ("NDims", "NDims = 0"),
    "ndims text": ("NDims", "NDims = many"),
    "dimsize terabytes": ("DimSize", "DimSize = 90000 90000 90000"),
    "dimsize negative": ("DimSize", "DimSize = -20 40 40"),
    "dimsize more": ("DimSize", "DimSize = 20 40 41"),
    "type unknown": ("ElementType", "ElementType = MET_BANANA"),
    "compressed lies": ("CompressedData", "CompressedData = True"),
    "data device": ("ElementDataFile", "ElementDataFile = /dev/zero"),
    "data list": ("ElementDataFile", "ElementDataFile = LIST"),
    "data pattern": ("ElementDataFile", "ElementDataFile = slice%03d.raw 1 40 1"),
    "data absent": ("ElementDataFile", "ElementDataFile = absent.raw"),
    "no data": ("ElementDataFile", None),
    "long line": ("Offset", "Comment = " + "x" * 100_000),
    "not utf-8": ("Offset", "Comment = \xff\xfe"),
}
for _name, (_old, _new) in META.items():
    add(f"mha {_name}", text_header("water.mha", _old, _new), "either" if _name == "not utf-8" else "refused")
add("mha empty", raw_file("water.mha", b""))
add("nrrd empty", raw_file("water.nrrd", b""))
add("nrrd endless header", raw_file("water.nrrd", b"NRRD0004\n" + b"# x\n" * 500_000))


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

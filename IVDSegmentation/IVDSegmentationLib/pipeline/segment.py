"""Stage 2 and the two-stage pipeline: a case in, its named discs out. One entry point: `Pipeline().segment(case)`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from ..dixon.case import DixonCase
from ..errors import InputError
from ..findings import Finding, finding
from ..images import WORKING_SPACING_MM, Volume
from ..images import put_back as put_back_on_input_grid
from ..levels.chain import ChainParameters
from ..levels.evidence import EXCHANGED
from ..levels.labelling import LABELS, check_known
from ..levels.naming import Naming, count_levels, name_levels
from ..measure.segmented import Disc
from ..networks import DEFAULT_MODEL
from ..networks.engine import Network, choose_engine, described
from ..networks.inputs import normalise, stack_channels
from ..networks.models import Model, load_model
from ..networks.outputs import finite
from .confidence import THRESHOLD, calibrated, expected_dice, mean_disc_probability
from .crop import BOX_SIZE, PATCH_SIZE, box_start, crop, overlap, pad, unpad
from .localize import SMALLEST_DISC_MM3
from .located import FLIPS, LEVELS_ROLE, Located, locate
from .request import Request
from .search import spine_part
from .segmentation import Provenance, Segmentation, software_versions

OnProgress = Callable[[str, float], None]
"""Called with the stage in words and the fraction done, 0..1; may raise errors.Cancelled."""


def segment_boxes(network: Network, boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run the network of stage 2, on all boxes in one batch.

    Args:
        network: The network.
        boxes: Channels cut around the discs' centres, [35, 35, 25, channel] each.

    Returns:
        Probability of disc, float32 [35, 35, 25], 0..1, of each box.
    """
    batch = np.stack([pad(normalise(box), PATCH_SIZE) for box in boxes])
    return [unpad(maps[..., 0], BOX_SIZE) for maps in finite(network.predict_on_batch(batch), "segmenter")]


_NEXT_TO = 2
"""Voxels beyond a disc whose probabilities are kept with it."""


def keep_one_disc(probability: np.ndarray) -> np.ndarray:
    """Remove from a box's probability all that is not its own disc: neighbours' slices, specks.

    Kept is the component above the threshold with the largest sum of probabilities weighted by nearness to the box's middle,
    and the voxels next to it (their values place the boundary between voxels).

    Args:
        probability: [x, y, z], 0..1.

    Returns:
        The same of one disc, float32; all zero where there is none.
    """
    from scipy import ndimage

    kept = np.zeros(probability.shape, np.float32)
    (reached,) = ndimage.find_objects((probability >= THRESHOLD).view(np.uint8)) or (None,)
    if reached is None:
        return kept
    part = tuple(slice(max(s.start - _NEXT_TO, 0), s.stop + _NEXT_TO) for s in reached)
    probability, nearness = probability[part], _nearness(probability.shape)[part]
    components, count = ndimage.label(probability >= THRESHOLD)
    weight = ndimage.sum_labels(probability * nearness, components, np.arange(1, count + 1))
    own = 1 + int(np.argmax(weight))
    others = (components > 0) & (components != own)
    near = ndimage.binary_dilation(components == own, iterations=_NEXT_TO)
    kept[part] = np.where(near & ~others, probability, 0)
    return kept


@cache
def _nearness(shape: tuple[int, ...]) -> np.ndarray:
    """Weight of each voxel of a box, [x, y, z], 1 in its middle."""
    offsets = [np.arange(n) - n // 2 for n in shape]
    squared = sum(np.square(o / n) for o, n in zip(np.meshgrid(*offsets, indexing="ij"), shape, strict=True))
    return np.asarray(np.exp(-8 * squared))


@dataclass(frozen=True)
class _Assembled:
    """probability: float32 [x, y, z]. owner: int16 [x, y, z], the disc's position in the list plus one, or 0."""

    probability: np.ndarray
    owner: np.ndarray

    def turned(self) -> _Assembled:
        """The same by 180 degrees about the z axis."""
        return _Assembled(self.probability[FLIPS[EXCHANGED]], self.owner[FLIPS[EXCHANGED]])


def assemble(boxes: Sequence[np.ndarray], starts: Sequence[Sequence[int]], shape: Sequence[int]) -> _Assembled:
    """Put boxes' probabilities back into a volume; where two overlap, the larger wins the voxel.

    Args:
        boxes: Probability of each box, [x, y, z].
        starts: First voxel of each box; it may lie outside the volume.
        shape: Voxels of the volume.

    Returns:
        The volume, and which box each voxel belongs to.
    """
    probability = np.zeros(shape, np.float32)
    owner = np.zeros(shape, np.int16)
    for number, (box, start) in enumerate(zip(boxes, starts, strict=True), start=1):
        inside, mine = overlap(start, box.shape, shape)
        owner[inside][(box[mine] > probability[inside]) & (box[mine] >= THRESHOLD)] = number
        np.maximum(probability[inside], box[mine], out=probability[inside])
    return _Assembled(probability, owner)


class Pipeline:
    """The two-stage pipeline with its networks loaded: build one, segment many cases.

    >>> pipeline = Pipeline()
    >>> segmentation = pipeline.segment(load_case("examination"), Request(lowest_level="L5-S1"))
    >>> [disc.level for disc in segmentation.discs]
    """

    def __init__(self, model: str | Model = DEFAULT_MODEL, device: str = "auto", engine: str = "auto") -> None:
        """The pipeline of a model.

        Args:
            model: Name of an installed model or a folder, or one that is loaded already.
            device: `auto` (a GPU where TensorFlow sees one), `cpu`, `gpu`.
            engine: What computes the networks, one of networks.engine.ENGINES.

        Raises:
            ModelError: Weights are missing or altered, the engine is not installed, or there is no GPU where one is asked for.
        """
        self.model = load_model(model, choose_engine(engine, device)) if isinstance(model, str) else model

    @property
    def device(self) -> str:
        """Where the networks compute, `cpu` or `gpu`."""
        return self.model.engine.device if self.model.engine else "cpu"

    def segment(
        self, case: DixonCase, request: Request | None = None, progress: OnProgress = lambda stage, fraction: None
    ) -> Segmentation:
        """Segment and name every disc of a case.

        Args:
            case: The case.
            request: What is asked for: names, and a reference. Its model and device are those that this pipeline was made
                with.
            progress: Called before each stage.

        Returns:
            The segmentation; its measurements and surfaces are computed when they are first asked for.

        Raises:
            InputError: The lowest level is unknown, or one from which the discs would leave the levels of a spine, or no
                disc was found.
        """
        request = request or Request()
        if request.lowest_level is not None:
            check_known(request.lowest_level)
        timings: dict[str, float] = {}
        with _stage(timings, progress, "localize", 0.1):
            large = bool(case.given)
            case = spine_part(case, self.model.networks["localizer"])
            located = locate(case, self.model, large)
            naming = self._names(case, located)
            named = [n for n, level in enumerate(naming.levels) if level]
            if not named:
                raise InputError(f"{case.name}: no intervertebral disc was found: load Dixon volumes of a lumbar spine")
            left_out = located.off_spine + len(located.chain) - len(named)
            findings = [finding("structures_off_spine", count=left_out)] if left_out else []
            if located.exchanged:
                findings.append(finding("header_exchanged"))
        with _stage(timings, progress, "segment", 0.4):
            starts = [box_start(located.chain[n].center_ijk) for n in named]
            boxes = [_box(located.channels, start, self.model.channels) for start in starts]
            boxes = [keep_one_disc(p) for p in segment_boxes(self.model.networks["segmenter"], boxes)]
            boxes = [np.zeros_like(box) if _is_speck(box) else box for box in boxes]
            least = self.model.card.get("least_probability", THRESHOLD)
            if not any(mean_disc_probability(box) >= least for box in boxes):
                raise InputError(f"{case.name}: no intervertebral disc was found: load Dixon volumes of a lumbar spine")
        with _stage(timings, progress, "assemble", 0.8):
            assembled = assemble(boxes, starts, case.working_grid.size)
            if located.exchanged:
                assembled = assembled.turned()
            line = self.model.card.get("confidence", {}).get("segmenter", (1.0, 0.0))
            confidences = [calibrated(expected_dice(box), line) for box in boxes]
            naming = replace(naming, levels=tuple(naming.levels[n] for n in named))
            discs, labels, of_names = _name(case, assembled, confidences, naming, request.lowest_level)
        with _stage(timings, progress, "put back", 0.9):
            on_input = put_back_on_input_grid(assembled.probability, labels, case.working_grid, case.input_grid)
        progress("done", 1.0)
        return Segmentation(
            case=case,
            found=discs,
            probability=assembled.probability,
            labels=labels,
            label_volume=Volume(on_input, case.input_grid, "discs"),
            run_findings=(*case.findings, *findings, *of_names, *self._of_engine()),
            provenance=Provenance(
                channels_given=tuple(sorted(set(case.channels) - case.derived)),
                channels_derived=tuple(sorted(case.derived)),
                model=self.model.name,
                model_checksums=self.model.checksums,
                engine=described(self.model.engine) if self.model.engine else {},
                timings_s=timings,
                versions=software_versions(),
            ),
            reference=request.reference,
            exchanged=located.exchanged,
        )

    def _of_engine(self) -> list[Finding]:
        """Whether the networks had to leave the GPU."""
        return [Finding("gpu_memory")] if self.model.engine and self.model.engine.left_gpu else []

    def _names(self, case: DixonCase, located: Located) -> Naming:
        """The names of the candidates."""
        if located.evidence is None:
            return count_levels(len(located.chain))
        centers_mm = case.working_grid.to_mm(np.array([c.center_ijk for c in located.chain]))
        parameters = ChainParameters.of(self.model.card[LEVELS_ROLE])
        return name_levels(centers_mm, located.evidence, parameters, located.upside_down)


def _name(
    case: DixonCase, assembled: _Assembled, confidences: Sequence[float], naming: Naming, lowest_level: str | None
) -> tuple[tuple[Disc, ...], np.ndarray, tuple[Finding, ...]]:
    """The discs caudal to cranial with their names, the label map [x, y, z], and the findings about the names.

    confidences, naming: of each box, in the order of the owners' numbers; none is without a name.
    """
    from scipy import ndimage

    boxes = {n: box for n, box in enumerate(ndimage.find_objects(assembled.owner), start=1) if box is not None}
    if not boxes:
        raise InputError(f"{case.name}: no intervertebral disc was found: load Dixon volumes of a lumbar spine")
    naming = naming.without([n not in boxes for n in range(1, len(naming.levels) + 1)])
    if lowest_level is not None:
        naming = naming.renamed(lowest_level)
    labels = np.zeros(assembled.owner.shape, np.uint8)
    discs = []
    for level, (number, box) in zip(naming.levels, sorted(boxes.items()), strict=True):
        assert level is not None
        mask = assembled.owner[box] == number
        labels[box][mask] = LABELS[level]
        weights = np.where(mask, assembled.probability[box], 0)
        center_ijk = np.add(ndimage.center_of_mass(weights), [s.start for s in box])
        x, y, z = (float(c) for c in case.working_grid.to_mm(center_ijk))
        i, j, k = (float(c) for c in center_ijk)
        discs.append(Disc(level, LABELS[level], (x, y, z), (i, j, k), confidences[number - 1]))
    return tuple(discs), labels, naming.findings


def _box(channels: Mapping[str, np.ndarray], start: Sequence[int], order: Sequence[str]) -> np.ndarray:
    """The box of channels [x, y, z] that begins at a voxel, [*BOX_SIZE, channel] in this order."""
    return stack_channels({name: crop(voxels, start) for name, voxels in channels.items()}, order)


def _is_speck(probability: np.ndarray) -> bool:
    """Whether what the segmenter outlined in a box is too small for any part of a disc that is worth a name."""
    return float((probability >= THRESHOLD).sum() * np.prod(WORKING_SPACING_MM)) < SMALLEST_DISC_MM3


@contextmanager
def _stage(timings: dict[str, float], progress: OnProgress, name: str, fraction: float) -> Any:
    progress(name, fraction)
    start = time.perf_counter()
    yield
    timings[name] = time.perf_counter() - start

"""How far the augmentations of each training go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Augmentation:
    """How far each random change goes. A change of 0 is none.

    Attributes:
        probability: Of each geometric change.
        shift_voxels: Largest shift along each axis, to both sides.
        rotation_degrees: Largest rotation about x, y, z, to both sides.
        scale: Largest relative change of size.
        elastic_mm: Largest displacement of the elastic deformation, the paper's alpha.
        elastic_sigma_mm: Its smoothness, standard deviation of a Gaussian.
        flip_probability: Of each axis x, y, z, once a flip is drawn.
        gain: Largest change of each channel's intensity, as a natural logarithm.
        gamma: Largest change of the exponent of intensities, as a natural logarithm.
        bias: Largest standard deviation of a smooth bias field, as a natural logarithm.
        noise: Largest standard deviation of added noise, relative to the 99th percentile.
        blur: Largest standard deviation of smoothing, in voxels.
        cut: Probability that the field of view ends above or below the middle of a box, or just short of it.
        slab: Probability that the field of view is narrow from left to right, as sagittal slabs are.
        ghost: Largest share of the signal that a ghost has.
        coarse: Probability that the image was acquired with larger voxels.
        degeneration: Probability of each disc to lose signal, as degenerated ones have.
    """

    probability: float = 0.5
    shift_voxels: float = 4.0
    rotation_degrees: tuple[float, float, float] = (15.0, 10.0, 10.0)
    scale: float = 0.15
    elastic_mm: float = 4.0
    elastic_sigma_mm: float = 12.0
    flip_probability: tuple[float, float, float] = (0.5, 0.0, 0.0)
    gain: float = 0.0
    gamma: float = 0.0
    bias: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    cut: float = 0.0
    slab: float = 0.0
    ghost: float = 0.0
    coarse: float = 0.0
    degeneration: float = 0.0


# Front to back is flipped now and then, too: files with a wrong header are common, and a disc is nearly symmetric so.
BOX_AUGMENTATION = Augmentation(
    probability=0.5, flip_probability=(0.5, 0.3, 0.0), rotation_degrees=(20.0, 8.0, 8.0), scale=0.12,
    elastic_mm=3.0, elastic_sigma_mm=12.0,
    gain=0.1, gamma=0.3, bias=0.3, noise=0.12, blur=0.5, ghost=0.1, coarse=0.2, cut=0.06, slab=0.15,
)  # fmt: skip
WINDOW_AUGMENTATION = Augmentation(
    probability=0.7, flip_probability=(0.5, 0.25, 0.0), rotation_degrees=(30.0, 12.0, 12.0), scale=0.2,
    elastic_mm=5.0, elastic_sigma_mm=10.0,
    gain=0.1, gamma=0.3, bias=0.3, noise=0.06, blur=0.8, ghost=0.1, degeneration=0.25, slab=0.3,
)  # fmt: skip

"""How bright the phantom's tissues are in water and in fat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Signals:
    """Water and fat signals of the tissues, relative to the water of a healthy disc; drawn once a phantom.

    Attributes:
        marrow: Water and fat of bone marrow.
        muscle: Water of muscle.
        muscle_fat: How far muscles are infiltrated with fat, relative.
        fat: Fat of fatty tissue.
        csf: Water of cerebrospinal fluid.
        cord: Water of the spinal cord and the roots.
        organ: Water of bowel and organs.
        annulus: Water of the annulus fibrosus.
        disc_fat: Fat of discs.
        ligament: Water of ligaments.
        skin: Water of skin.
    """

    marrow: tuple[float, float]
    muscle: float
    muscle_fat: float
    fat: float
    csf: float
    cord: float
    organ: float
    annulus: float
    disc_fat: float
    ligament: float
    skin: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Signals:
        """Signals of one phantom.

        Args:
            rng: The phantom's generator.

        Returns:
            Signals within the spread that Dixon images at 1.5 T and 3 T show.
        """
        return cls(
            marrow=(rng.uniform(0.36, 0.68), rng.uniform(0.2, 0.65)),
            muscle=rng.uniform(0.6, 1.0),
            muscle_fat=rng.uniform(0.0, 0.45),
            fat=rng.uniform(0.9, 2.0),
            csf=rng.uniform(0.55, 1.9),
            cord=rng.uniform(0.5, 1.0),
            organ=rng.uniform(0.5, 1.0),
            annulus=rng.uniform(0.5, 0.9),
            disc_fat=rng.uniform(0.02, 0.09),
            ligament=rng.uniform(0.1, 0.4),
            skin=rng.uniform(0.4, 1.6),
        )

"""What can be asked of a phantom's anatomy."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError
from ..levels.labelling import LEVELS

TRANSITIONS = ("lumbarised_s1", "sacralised_l5")
CUTS = ("caudal", "cranial", "lateral")


@dataclass(frozen=True)
class Anatomy:
    """What to ask of the phantom's anatomy; None leaves it to the seed.

    Attributes:
        lowest_disc: The most caudal level inside the field of view; the image is shifted up the spine.
        transitional: "lumbarised_s1" (six lumbar-type bodies) or "sacralised_l5" (four). Levels count from the sacrum.
        missing_disc: A level whose bodies are fused: no disc, no label, its name stays unused.
        degeneration: 0 (healthy) to 1 (dark, narrowed), of every disc.
        scoliosis_deg: Cobb angle between the most inclined discs, 0 to 40 degrees, roughly.
        cut: The edge of the image runs through the lowest disc ("caudal"), the highest ("cranial") or the left sides of
            the discs ("lateral").

    Raises:
        InputError: A value is none of these.
    """

    lowest_disc: str | None = None
    transitional: str | None = None
    missing_disc: str | None = None
    degeneration: float | None = None
    scoliosis_deg: float | None = None
    cut: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that the phantom cannot be made with."""
        for name, allowed in (
            ("lowest_disc", LEVELS[:12]),
            ("missing_disc", LEVELS),
            ("transitional", TRANSITIONS),
            ("cut", CUTS),
        ):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise InputError(f"Anatomy: {name} is {value!r}; choose one of {', '.join(allowed)} or None")
        if self.degeneration is not None and not 0 <= self.degeneration <= 1:
            raise InputError(f"Anatomy: degeneration is {self.degeneration}; choose 0 (healthy) to 1 (degenerated)")
        if self.scoliosis_deg is not None and not 0 <= self.scoliosis_deg <= 40:
            raise InputError(f"Anatomy: scoliosis_deg is {self.scoliosis_deg}; choose 0 to 40 degrees")

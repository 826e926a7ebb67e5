"""Images in patient space: grids, volumes, their files, and resampling between grids.

A `Grid` is the geometry of an image: size, spacing, origin and direction, in LPS mm as ITK has them. A `Volume` is voxels
on a grid. Volumes are read from and written to NIfTI, NRRD and MetaImage files. The networks see every image on a working
grid: its axes are those of the input, reordered to come nearest left, posterior and superior, with voxels of
2.0 x 1.25 x 1.25 mm. `to_working_grid` brings an image there, `put_back` brings labels back to the grid of the input.
"""

from .files import SUFFIXES, is_volume_file, read_volume, read_volumes, write_volume
from .grid import WORKING_SPACING_MM, Grid, same_grid, working_grid_of
from .resampling import put_back, to_working_grid
from .volume import Volume, check_voxels

__all__ = [
    "SUFFIXES",
    "WORKING_SPACING_MM",
    "Grid",
    "Volume",
    "check_voxels",
    "is_volume_file",
    "put_back",
    "read_volume",
    "read_volumes",
    "same_grid",
    "to_working_grid",
    "working_grid_of",
    "write_volume",
]

"""Volumes and their geometry: grids in patient space, files in and out, resampling between grids."""

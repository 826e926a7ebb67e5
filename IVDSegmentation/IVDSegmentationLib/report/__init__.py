"""A segmentation as files: label map, tables, report.json, report.html, surfaces.

`files.py` makes the content of report.json once; the page, the tables of the panel and those of a cohort are made from it, so
that all of them show the same. `output_folder.py` sees to it that all files of a run take their places, or none.
"""

"""Many examinations at once: found in folders, tables or archives, segmented by Dask workers, and put into tables and a page.

A case is handed to a worker, which keeps one pipeline warm, writes the case's folder and answers with one small row; nothing
large comes back to the driver. The tables and the contact sheet are made from the folders of the cases, so that a run that
was broken off resumes where it was. The package needs the extra `cohort` (`pip install "ivdsegmentation[cohort]"`).
"""

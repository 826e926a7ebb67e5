"""The command line, `ivdseg COMMAND`.

A command turns options into a `Request` or into calls of the package that does the work, and words for the user into one line.
Nothing heavy is imported before a command runs, so that `ivdseg --help` is instant; `boundary.py` is where errors, signals and
what libraries write end.
"""

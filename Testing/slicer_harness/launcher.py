"""Imitates PythonSlicer: a launcher, CTKAppLauncher, below which Python runs. As Slicer's, it

- puts its own site-packages before any PYTHONPATH, sets PYTHONNOUSERSITE and PIP_REQUIRE_VIRTUALENV;
- passes on arguments, standard streams and exit status, but where a signal ended Python it says so in one line and ends with 1;
- leaves Python behind where it alone is ended.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path


def write_launcher(folder: Path, *site_packages: Path) -> Path:
    """Write an executable `PythonSlicer` into a folder. site_packages: what lies in Slicer's, by default this Python's."""
    path = folder / "PythonSlicer"
    folders = [str(one) for one in site_packages or (Path(sysconfig.get_path("purelib")),)]
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    code += f"from launcher import launch; launch({folders!r}, sys.argv[1:])\n"
    path.write_text(f"#!{sys.executable}\n{code}", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def launch(site_packages: list[str], arguments: list[str]) -> None:
    """Run Python with these arguments as PythonSlicer does, and end as it does."""
    environment = {**os.environ, "PYTHONNOUSERSITE": "1", "PIP_REQUIRE_VIRTUALENV": "0"}
    others = os.environ.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join([*site_packages, *([others] if others else [])])
    status = subprocess.call([sys.executable, *arguments], env=environment)
    if status < 0:
        print(f"error: [{sys.executable}] exit abnormally - Report the problem.", file=sys.stderr)
    sys.exit(1 if status < 0 else status)

"""The command line on hostile inputs of every class, each in a process of its own: `cd Testing`, then `python -m hostile`.

Each must end as promised (docs/security.md): status 0 with right results; or status 1, one line on stderr and nothing left; or
2 for wrong usage; or 128 plus the number of a signal. "Right" is: the label map lies on the input in ITK and in nibabel alike,
agrees with the phantom's exact discs, and no output holds a name that was planted. Options: --only WORD
(of a name), --skip N, --list. Each module beside `campaign.py` and `cases.py` adds the inputs of its subject.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from IVDSegmentationLib.phantom import make_phantom, write_phantom_case

from . import channels, commands, dicom, headers, models, names, outputs, surroundings  # noqa: F401  each adds its inputs
from .campaign import INPUTS, complaint


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD", help="inputs whose name holds it")
    parser.add_argument("--skip", type=int, default=0, metavar="N", help="the first N of these")
    parser.add_argument("--list", action="store_true", help="name the inputs")
    options = parser.parse_args()
    chosen = [one for one in INPUTS if options.only in one.name][options.skip :]
    if options.list:
        print("\n".join(one.name for one in chosen))
        return 0
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        sound = Path(scratch) / "sound"
        write_phantom_case(make_phantom(2026), sound)
        for number, one in enumerate(chosen):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            try:
                wrong = complaint(one, folder, sound)
            except Exception as error:  # an input that could not be made counts as failed, too
                wrong = f"could not be tried: {type(error).__name__}: {error}"
            failed += bool(wrong)
            print(f"{'FAILED' if wrong else 'ok    '} {one.name}{': ' + wrong if wrong else ''}", flush=True)
            subprocess.run(["rm", "-rf", str(folder)], check=False)
    print(f"{len(chosen) - failed} of {len(chosen)} hostile inputs ended as promised ({1 - failed / max(len(chosen), 1):.1%})")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

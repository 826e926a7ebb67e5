"""One version of the project, or one engine of it, in a process of its own: does in turn what benchmarks/segment.py asks for.

Reads commands from standard input, one a line, and answers each with a line of JSON: seconds and the processor time of it, that
of child processes included. Works with any version since the first, so it imports nothing but what all of them have.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PRODUCT = 2048
"""Rows and columns of the matrices whose product says how fast the machine is at the moment."""


class Variant:
    """A loaded pipeline and a case."""

    def __init__(self, case: Path, engine: str | None) -> None:
        from IVDSegmentationLib import Pipeline, load_case

        self._load_case, self._folder = load_case, case
        self.networks_s = 0.0
        self.pipeline = Pipeline() if engine is None else Pipeline(engine=engine)
        self._time_networks()
        self.case = load_case(case)
        self.result: Any = None

    def _time_networks(self) -> None:
        """Have every network add up the time it takes."""
        classes = [
            ("keras", "Model"),
            ("IVDSegmentationLib.networks.tensorflow_engine", "TensorFlowNetwork"),
            ("IVDSegmentationLib.networks.openvino_engine", "OpenVINONetwork"),
        ]
        for module, name in classes:
            if module not in sys.modules and not module.startswith("IVD"):
                continue
            try:
                kind = getattr(importlib.import_module(module), name)
            except ImportError:  # an earlier version
                continue
            kind.predict_on_batch = self._timed(kind.predict_on_batch)

    def _timed(self, predict: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(predict)
        def timed(*arguments: Any) -> Any:
            start = time.perf_counter()
            maps = predict(*arguments)
            self.networks_s += time.perf_counter() - start
            return maps

        return timed

    def read(self) -> dict[str, Any]:
        """The case's files; what was there before is given up first, as between the cases of a worker or a cohort."""
        self.case = self.result = None
        self.case = self._load_case(self._folder)
        return {}

    def segment(self) -> dict[str, Any]:
        """From the channels to the label map, and what of it the networks took."""
        self.networks_s = 0.0
        self.result = None
        self.result = self.pipeline.segment(self.case)
        first = not hasattr(self.result, "provenance")
        timings_s = self.result.timings_s if first else self.result.provenance.timings_s
        discs = self.result.discs if first else self.result.found  # its discs, with their flags, would be measured here
        return {"stages_s": dict(timings_s), "networks_s": self.networks_s, "discs": len(discs)}

    def write(self) -> dict[str, Any]:
        """Measurements, surfaces and all files of a report."""
        try:
            write_outputs = importlib.import_module("IVDSegmentationLib.report.files").write_outputs
        except ImportError:  # the first version
            write_outputs = importlib.import_module("IVDSegmentationLib.report").write_outputs
        with tempfile.TemporaryDirectory() as folder:
            write_outputs(self.result, Path(folder) / "out")
        return {}

    def product(self) -> dict[str, Any]:
        """The speed of a product of two single-precision matrices, in 1e9 operations a second."""
        a = np.ones((PRODUCT, PRODUCT), np.float32)
        start = time.perf_counter()
        a @ a
        return {"gflops": 2 * PRODUCT**3 / (time.perf_counter() - start) / 1e9}

    def peak(self) -> dict[str, Any]:
        """The most memory that this process has had."""
        return {"peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def _cpu_s() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path, help="folder of a case")
    parser.add_argument("--engine", help="what computes the networks; left out for versions that know none")
    options = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    variant = Variant(options.case, options.engine)
    for line in sys.stdin:
        start, used = time.perf_counter(), _cpu_s()
        answer = getattr(variant, line.strip())()
        wall_s, cpu_s = time.perf_counter() - start, _cpu_s() - used
        print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, **answer}), file=answers, flush=True)


if __name__ == "__main__":
    main()

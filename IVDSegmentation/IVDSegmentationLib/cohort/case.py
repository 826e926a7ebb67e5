"""One case of a cohort: where its images are, and how it is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..dixon.case import DixonCase, case_from_volumes
from ..dixon.channels import PLAIN_NAMES
from ..dixon.dicom import choose_study, dicom_files_of, find_studies, volumes_of_study
from ..errors import InputError
from ..images import read_volume


@dataclass(frozen=True)
class CohortCase:
    """One case.

    Attributes:
        name: Name of its row and of its folder: that of the input table, of the input's folders, or a pseudonym.
        files: Channel -> file; empty where the case is a DICOM study.
        folders: The folders that the files of the DICOM study lie in.
        study: StudyInstanceUID, where the case is a DICOM study.
        lowest_level: Name of its lowest disc; None: decided from the image.
        fault: Why it cannot be loaded, where that is known before it is opened; a sentence.
        pseudonymous: Whether the names of its folders, too, must not reach sentences, since a pseudonym stands for them.
    """

    name: str
    files: Mapping[str, Path] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    study: str | None = None
    lowest_level: str | None = None
    fault: str = ""
    pseudonymous: bool = False

    def load(self) -> DixonCase:
        """The case with its images read.

        Returns:
            The case, under this name.

        Raises:
            InputError: `fault`, or the files are refused by what reads them.
        """
        if self.fault:
            raise InputError(self.fault)
        if self.study is None:
            volumes = {channel: read_volume(path) for channel, path in self.files.items()}
            # Findings about a volume name it by its source.
            volumes = {channel: replace(volume, source=PLAIN_NAMES[channel]) for channel, volume in volumes.items()}
            return case_from_volumes(volumes, self.name)
        studies = find_studies([path for folder in self.folders for path in dicom_files_of(folder)])
        return case_from_volumes(volumes_of_study(choose_study(studies, self.name, self.study), self.name), self.name)

    def fingerprint(self, settings: Mapping[str, str]) -> str:
        """What tells whether a case was done with the same inputs and settings.

        Args:
            settings: What else the result depends on: the model, what is written.

        Returns:
            SHA-256, hexadecimal, of these and of name, size and time of change of every input file.
        """
        inputs = list(self.files.values()) or [path for folder in self.folders for path in sorted(folder.iterdir())]
        stated = [(path, path.stat()) for path in inputs if path.is_file()]
        content = {
            "files": sorted((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stated),
            "channels": {channel: str(path) for channel, path in self.files.items()},
            "study": self.study,
            "lowest_level": self.lowest_level,
            "settings": dict(settings),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def under(self, pseudonym: str) -> CohortCase:
        """The same case under a pseudonym.

        Args:
            pseudonym: Its new name.

        Returns:
            The case; sentences about it name none of its files and folders.
        """
        return replace(self, name=pseudonym, pseudonymous=True)

    def sentence(self, text: str) -> str:
        """A sentence about this case for tables and pages.

        Args:
            text: The sentence.

        Returns:
            The sentence without the names of its files, which may be those of people, and, where a pseudonym stands for the
            case, of its folders.
        """
        for channel, path in self.files.items():
            text = text.replace(path.name, f"the {PLAIN_NAMES[channel]} file")
        for path in (path for folder in self.folders if folder.is_dir() for path in folder.iterdir() if path.is_file()):
            text = text.replace(path.name, "a file")
        holding = (*(path.parent for path in self.files.values()), *self.folders) if self.pseudonymous else ()
        parts = {part for path in holding for part in path.parts}
        for part in sorted(parts, key=len, reverse=True):
            if len(part) > 2:
                text = text.replace(part, self.name)
        return text

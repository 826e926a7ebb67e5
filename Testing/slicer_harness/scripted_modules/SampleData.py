"""Imitates SampleData: what modules register, as strict as Slicer with it, and the ways of getting it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer


class SampleDataSource:
    """One button of the Sample Data module."""

    def __init__(self, *, uris: Any, fileNames: Any, **more: Any) -> None:
        if len(uris) != len(fileNames):
            raise ValueError("All fields of sample data source must have the same length")
        self.uris, self.fileNames = uris, fileNames
        self.sampleName: str | None = more.pop("sampleName")
        self.customDownloader: Callable[[Any], Any] | None = more.pop("customDownloader")
        self.thumbnailFileName: str | None = more.pop("thumbnailFileName")
        if any(more.values()):
            raise NotImplementedError(f"the harness knows no {sorted(key for key, value in more.items() if value)} here")

    def __str__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in sorted(vars(self).items()))

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    __hash__ = None  # type: ignore[assignment]


class SampleDataLogic:
    @staticmethod
    def registerCustomSampleDataSource(  # noqa: PLR0917
        category: str = "Custom",
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Any = None,
        thumbnailFileName: str | None = None,
        loadFileTypes: Any = None,
        loadFiles: Any = None,
        loadFileProperties: Any = None,
        checksums: Any = None,
        loadFileType: Any = None,
    ) -> None:
        """uris and fileNames must have a length; where they have none, the category is left without a button."""
        sources = SampleDataLogic.sampleDataSourcesByCategory().setdefault(category, [])
        made = SampleDataSource(
            sampleName=sampleName,
            uris=uris,
            fileNames=fileNames,
            nodeNames=nodeNames,
            customDownloader=customDownloader,
            thumbnailFileName=thumbnailFileName,
            loadFileTypes=loadFileTypes,
            loadFiles=loadFiles,
            loadFileProperties=loadFileProperties,
            checksums=checksums,
            loadFileType=loadFileType,
        )
        if made not in sources:
            sources.append(made)

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> Any:
        if not hasattr(slicer.modules, "sampleDataSources"):
            slicer.modules.sampleDataSources = {}
        sources = slicer.modules.sampleDataSources
        return sources if category is None else sources.get(category, [])

    def sourceForSampleName(self, sampleName: str) -> SampleDataSource | None:
        every = [source for sources in self.sampleDataSourcesByCategory().values() for source in sources]
        return next((source for source in every if source.sampleName == sampleName), None)

    def downloadFromSource(self, source: SampleDataSource) -> list[Any]:
        """Ignores customDownloader, as Slicer's does."""
        if source.uris:
            raise NotImplementedError("the harness downloads nothing")
        return []

    def downloadSamples(self, sampleName: str) -> list[Any]:
        source = self.sourceForSampleName(sampleName)
        return [] if source is None else self.downloadFromSource(source)


def downloadSamples(sampleName: str) -> list[Any]:
    return SampleDataLogic().downloadSamples(sampleName)


def downloadSample(sampleName: str) -> Any:
    return downloadSamples(sampleName)[0]

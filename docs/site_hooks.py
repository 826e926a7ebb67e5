"""Brings what lies outside of docs/ into the site: the changelog, how to contribute, and the screenshots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and pictures under the paths that they have in the repository."""
    pictures = sorted((ROOT / "Resources" / "Screenshots").glob("*.png"))
    for path in (*(ROOT / page for page in PAGES), *pictures):
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links that are right in the repository be right in the site, whose root is docs/."""
    if page.file.src_uri in PAGES:
        return markdown.replace("](docs/", "](")
    return markdown.replace("](../", "](") if "/" not in page.file.src_uri else markdown

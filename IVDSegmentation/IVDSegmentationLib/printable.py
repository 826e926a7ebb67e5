"""Text from outside, shown as one line of visible characters."""

from __future__ import annotations


def printable(name: str) -> str:
    """A name as one line of visible characters.

    Args:
        name: Any text from outside.

    Returns:
        The text with control characters, and characters that no encoding holds, written as escapes.
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in name)
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")

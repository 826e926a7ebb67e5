"""The panel in a narrow dock, at 200 % scaling, in dark and light style: it fits, nothing is cut off, texts are readable."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

TESTING = Path(__file__).parent
NARROW_PIXELS = 350
LEAST_CONTRAST = 4.5
"""Of a text to what is behind it: WCAG 2.2, success criterion 1.4.3."""

SCRIPT = """
import json, sys
from slicer_harness.person import person_with_case
from PySide6 import QtCore, QtGui, QtWidgets
dark = sys.argv[1] == "dark"
import slicer
from slicer_harness.application import as_started
from slicer_harness.boot import boot, load_module
application = boot()
as_started(slicer.app, locale=sys.argv[2])
load_module()
if dark:
    palette = QtGui.QPalette()
    roles = QtGui.QPalette.ColorRole
    for role, color in (
        (roles.Window, "#2e2e2e"), (roles.WindowText, "#f0f0f0"), (roles.Base, "#1e1e1e"), (roles.Text, "#f0f0f0"),
        (roles.Button, "#3a3a3a"), (roles.ButtonText, "#f0f0f0"), (roles.AlternateBase, "#262626"),
        (roles.Highlight, "#2a82da"), (roles.HighlightedText, "#ffffff"),
    ):
        palette.setColor(role, QtGui.QColor(color))
    application.setPalette(palette)
person = person_with_case()
window = person.panel.parent
window.resize(350, 1100)
window.show()
labels = person.worker.labels.copy()
labels[labels == 3] = 0
labels[10:13, 50:53, 60:62] = 3  # so small a disc is flagged
person.worker.labels = labels
person.segment()
person.ui.optionsSection.collapsed = False
for _ in range(5):
    application.processEvents()
cut, contrasts, images = [], {}, {}
for name, widget in vars(person.ui).items():
    kind = widget.metaObject().className()
    if kind not in ("QLabel", "QPushButton", "QCheckBox") or not widget.visible or name.startswith("qt_"):
        continue
    width, height = QtWidgets.QWidget.width(widget), QtWidgets.QWidget.height(widget)
    wanted = widget.heightForWidth(width) if kind == "QLabel" and widget.wordWrap else widget.sizeHint.height()
    if height < wanted or (not getattr(widget, "wordWrap", False) and width < widget.minimumSizeHint.width()):
        cut.append([name, width, height, wanted])
    colors = QtWidgets.QWidget.palette(widget)
    group = QtGui.QPalette.ColorGroup.Active
    contrasts[name] = [colors.color(group, QtWidgets.QWidget.foregroundRole(widget)).name(),
                       colors.color(group, QtWidgets.QWidget.backgroundRole(widget)).name()]
table = person.ui.discsTable
last = QtWidgets.QTableWidget.visualItemRect(table, QtWidgets.QTableWidget.item(table, table.rowCount - 1, 0))
rows = range(table.rowCount)
flagged = [row for row in rows if QtWidgets.QTableWidget.item(table, row, 2).text()]
cut += [[QtWidgets.QTableWidget.item(table, row, 2).text(), QtWidgets.QTableWidget.rowHeight(table, row),
         QtWidgets.QTableWidget.sizeHintForRow(table, row)] for row in flagged
        if QtWidgets.QTableWidget.rowHeight(table, row) < QtWidgets.QTableWidget.sizeHintForRow(table, row)]
hidden = last.bottom() - QtWidgets.QTableWidget.viewport(table).height()
tabs = QtWidgets.QTabWidget.tabBar(person.ui.resultTabs)
beyond = [QtWidgets.QTabBar.tabText(tabs, number) for number in range(QtWidgets.QTabBar.count(tabs))
          if QtWidgets.QTabBar.tabRect(tabs, number).right() >= QtWidgets.QTabBar.width(tabs)]
picture = window.grab()
sheets = [one.property("objectName") for one in window.findChildren(QtWidgets.QWidget) if one.property("styleSheet")]
print(json.dumps({
    "minimum": window.minimumSizeHint.width(), "width": QtWidgets.QWidget.width(window),
    "pixels": picture.toImage().width(), "cut": cut, "contrasts": contrasts, "sheets": sheets,
    "flagged": len(flagged), "hidden": hidden, "beyond": beyond,
}))
"""


def luminance(color):
    """Relative luminance of #rrggbb, as WCAG defines it."""
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("scale", "style", "locale"), [("1", "light", "en_US"), ("2", "dark", "de_DE")])
def test_the_panel_is_readable_in_a_narrow_dock(scale, style, locale):
    environment = {**os.environ, "QT_SCALE_FACTOR": scale, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, style, locale],
        capture_output=True, text=True, check=False, cwd=TESTING, env=environment, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["minimum"] <= NARROW_PIXELS
    assert seen["width"] == NARROW_PIXELS
    assert seen["pixels"] == NARROW_PIXELS * int(scale)
    assert seen["flagged"] > 0
    assert seen["cut"] == []
    assert seen["hidden"] <= 0  # every disc is seen without scrolling
    assert seen["beyond"] == []  # every tab is seen
    assert seen["sheets"] == []  # no colours of our own: the user's style decides
    assert len(seen["contrasts"]) > 10
    assert {name: pair for name, pair in seen["contrasts"].items() if contrast(*pair) < LEAST_CONTRAST} == {}

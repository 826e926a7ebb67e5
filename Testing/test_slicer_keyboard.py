"""The panel by keyboard, by ear, and in a narrow dock: mnemonics, buddies, accessible names, widths."""

import re
from collections import Counter

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

from slicer_harness.person import person_with_case

NARROW_PIXELS = 350
MENUS = set("fevh")  # of Slicer's menu bar: File, Edit, View, Help


@pytest.fixture
def person():
    return person_with_case()


def of_kind(person, *kinds):
    return [widget for widget in vars(person.ui).values() if widget.className() in kinds]


def test_every_button_has_a_mnemonic_of_its_own_and_every_label_a_buddy(person):
    texts = [widget.text for widget in of_kind(person, "QPushButton", "QCheckBox") if not widget.name.startswith("qt_")]
    labels = [widget for widget in of_kind(person, "QLabel") if widget.name.endswith("Label")]
    texts += [label.text for label in labels] + ["&Cancel"]
    keys = Counter(key.lower() for text in texts for key in re.findall("&(.)", text))
    assert len(texts) == 13
    assert sum(keys.values()) == len(texts)
    assert [key for key, count in keys.items() if count > 1] == []
    assert not set(keys) & MENUS
    assert [label.buddy().objectName for label in labels if label.buddy() is None] == []


def test_everything_that_takes_the_focus_says_what_it_is(person):
    kinds = ("qMRMLNodeComboBox", "QComboBox", "QTableWidget", "QProgressBar")
    named = [widget for widget in of_kind(person, *kinds) if not widget.name.startswith("qt_")]
    assert len(named) >= 12
    assert [widget.name for widget in named if not widget.accessibleName] == []


def test_the_panel_fits_a_narrow_dock(person):
    long = "t1_vibe_dixon_cor_320_" * 6
    person.ui.waterSelector.currentNode().SetName(long)
    person.ui.optionsSection.collapsed = False
    person.segment()
    assert person.panel.parent.minimumSizeHint.width() <= NARROW_PIXELS


def test_tab_leaves_a_table(person):
    assert [table.name for table in of_kind(person, "QTableWidget") if table.tabKeyNavigation] == []

# `make demo` and `make test` do all their own set-up: only Python 3.10-3.13 and make are needed.
PYTHON ?= python3
BIN := .venv/bin
SLICER_BIN := .venv-slicer/bin
CASE := demo-output/case
RESULT := demo-output/result
SLICER_TESTS := $(wildcard Testing/test_slicer_*.py) $(wildcard Testing/test_extension_*.py)
# In two processes since one crashed after some 2,060 tests, of what networks/openvino_engine.py (only_core) now avoids.
SECOND_TESTS := $(filter-out $(SLICER_TESTS), $(wildcard Testing/test_p[h-z]*.py Testing/test_[q-z]*.py))
FIRST_TESTS := $(filter-out $(SLICER_TESTS) $(SECOND_TESTS), $(wildcard Testing/test_*.py))

define NEWLINE


endef

.PHONY: demo cohort-demo test lint docs coverage test-library test-slicer translations screenshots soak benchmark benchmark-panel fuzz hostile clean

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[test,docs]'
	touch $@

# Slicer's compiled libraries pin a vtk of their own, and PySide6 6.9 and newer lose references to None on Python 3.11.
.venv-slicer/ready: pyproject.toml
	$(PYTHON) -m venv .venv-slicer
	$(SLICER_BIN)/python -m pip install --quiet --upgrade pip
	$(SLICER_BIN)/python -m pip install --quiet slicer-core 'PySide6-Essentials>=6.8,<6.9' -e '.[test]'
	touch $@

demo: .venv/ready
	$(BIN)/ivdseg phantom $(CASE) --overwrite
	$(BIN)/ivdseg segment $(CASE) -o $(RESULT) --reference $(CASE)/reference.nii.gz
	@echo "Open $(RESULT)/report.html"

# Twenty phantoms, some of them unusual, and a file that is none.
cohort-demo: .venv/ready
	$(BIN)/python benchmarks/cohort_demo.py demo-output/cohort-in
	$(BIN)/ivdseg cohort demo-output/cohort-in -o demo-output/cohort
	$(BIN)/ivdseg cohort --summary demo-output/cohort
	@echo "Open demo-output/cohort/index.html"

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/ready
	$(BIN)/mkdocs build --strict

# Both halves side by side, each in its environment: one is a thread's work for the most part, so that two cores are full.
test: lint .venv-slicer/ready
	$(MAKE) --no-print-directory -j2 test-slicer test-library

test-library: .venv/ready
	$(BIN)/python -m pytest $(FIRST_TESTS)
	$(BIN)/python -m pytest $(SECOND_TESTS)

# Over the harness's imitation of Slicer's Python files, and over Slicer's own where SLICER_SOURCE=DIR[:DIR...] names them.
test-slicer: export QT_QPA_PLATFORM = offscreen
test-slicer: .venv-slicer/ready
	SLICER_SOURCE= $(SLICER_BIN)/python -m pytest $(SLICER_TESTS)
	$(foreach DIR,$(subst :, ,$(SLICER_SOURCE)),SLICER_SOURCE=$(DIR) $(SLICER_BIN)/python -m pytest $(wildcard Testing/test_slicer_*.py)$(NEWLINE))

# Both halves, each in its environment; the floor is in pyproject.toml.
coverage: export COVERAGE_FILE = $(CURDIR)/.coverage
coverage: .venv/ready .venv-slicer/ready
	rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest $(FIRST_TESTS)
	$(BIN)/python -m coverage run -m pytest $(SECOND_TESTS)
	QT_QPA_PLATFORM=offscreen $(SLICER_BIN)/python -m coverage run -m pytest $(SLICER_TESTS)
	$(BIN)/python -m coverage combine
	$(BIN)/python -m coverage report --skip-covered

# 20,000 changed files of every format; `make test` tries some hundred.
fuzz: export IVDSEG_FUZZ_EXAMPLES ?= 20000
fuzz: .venv/ready
	$(BIN)/python -m pytest Testing/test_fuzz_formats.py

# The command line on hostile inputs of every class, each in a process of its own.
hostile: .venv/ready
	cd Testing && ../$(BIN)/python -m hostile

translations: .venv-slicer/ready
	$(SLICER_BIN)/python translations/update_translations.py

screenshots: .venv-slicer/ready
	cd Testing && ../$(SLICER_BIN)/python -m slicer_harness.screenshots

soak: .venv-slicer/ready
	cd Testing && ../$(SLICER_BIN)/python -m slicer_harness.soak 200
	IVDSEG_ROUNDS=100 $(SLICER_BIN)/python -m pytest Testing/test_worker_launcher.py -k kills_and_cancels

benchmark: .venv/ready
	$(BIN)/python benchmarks/segment.py

benchmark-panel: .venv-slicer/ready
	QT_QPA_PLATFORM=offscreen $(SLICER_BIN)/python benchmarks/panel.py

clean:
	rm -rf .venv .venv-slicer demo-output runs

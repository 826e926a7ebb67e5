# `make demo` and `make test` do all their own set-up: only Python 3.10-3.13 and make are needed.
PYTHON ?= python3
BIN := .venv/bin
CASE := demo-output/case
RESULT := demo-output/result

.PHONY: demo test lint benchmark clean

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[test]'
	touch $@

demo: .venv/ready
	$(BIN)/ivdseg phantom $(CASE)
	$(BIN)/ivdseg segment $(CASE) -o $(RESULT) --reference $(CASE)/reference.nii.gz
	@echo "Open $(RESULT)/report.html"

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest

benchmark: .venv/ready
	$(BIN)/python benchmarks/segment.py

clean:
	rm -rf .venv demo-output runs

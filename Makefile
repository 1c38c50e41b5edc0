# Every target sets up what it needs: the virtual environment is made on first use and
# made again when pyproject.toml or constraints.txt change.
PYTHON ?= python3
SCALE  ?= reader
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

SOURCES := dpslib book tests benchmarks notebooks

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup book pdf zip test lint format bench clean

help:  ## show this list
	@echo "make <target>   (PYTHON=$(PYTHON), SCALE=$(SCALE))"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP)  ## make the virtual environment in .venv (the other targets do this themselves)

# The stamp is written last, so an interrupted set-up starts over.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; choose one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@rm -f $@
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[book,test,dev]'
	$(BIN)/python -c 'import dpslib.compiled; dpslib.compiled.prepare()'
	@touch $@

book: $(STAMP)  ## execute the notebooks and build the book (SCALE=smoke, reader or paper)
	$(BIN)/python book/build.py --scale $(SCALE)

pdf: $(STAMP)  ## print the whole book to _build/*.pdf, with its SHA-256 beside (needs Chromium)
	$(BIN)/python book/pack.py pdf --scale $(SCALE)

zip: $(STAMP)  ## pack the whole book for reading offline into _build/*.zip, with its SHA-256 beside
	$(BIN)/python book/pack.py zip --scale $(SCALE)

test: lint  ## lint, execute everything at scale smoke, build the book from it, run all tests
	$(BIN)/python book/build.py --scale smoke --output _build/test/html
	$(BIN)/python -m pytest tests _build/executed/smoke --nbval-lax --nbval-current-env

lint: $(STAMP)  ## check style, types and typed numbers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m dpslib.prose

format: $(STAMP)  ## rewrite the sources in the project's style
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(STAMP)  ## time the library (benchmarks/run.py)
	$(BIN)/python benchmarks/run.py

clean:  ## remove everything that was made, the environment included
	rm -rf _build $(VENV) .pytest_cache .ruff_cache .mypy_cache *.egg-info
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

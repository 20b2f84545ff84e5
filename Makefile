# The two commands to begin with: `make demo` and `make test`. Both install what they need into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test soak lint format types docs bench clean

help:  ## Show the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

demo: $(VENV)/demo.installed  ## Install, start Elasticsearch, load the sample catalogue, search it
	$(BIN)/es-hybrid demo

test: $(VENV)/test.installed  ## Run every test
	$(BIN)/python -m pytest --durations=25

soak: $(VENV)/test.installed  ## Run the long reliability tests (hours)
	$(BIN)/python -m pytest -m soak

lint: $(VENV)/test.installed  ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/test.installed  ## Mend style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/test.installed  ## Check the types
	$(BIN)/mypy

docs: $(VENV)/test.installed  ## Write docs/cli.md and docs/settings.md anew
	$(BIN)/python docs/make_reference.py

bench: $(VENV)/test.installed  ## Run the benchmarks (minutes each)
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.search
	$(BIN)/python -m benchmarks.serve
	$(BIN)/python -m benchmarks.rerank

clean:  ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# PyPI's torch for Linux brings CUDA along (5 GB); only the tests need it.
$(VENV)/demo.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "es-hybrid needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	$(PIP) install --quiet --constraint constraints.txt --editable '.[local]'
	@touch $@

$(VENV)/test.installed: $(VENV)/demo.installed
	$(PIP) install --quiet --constraint constraints.txt --editable '.[all]' --group dev
	@touch $@

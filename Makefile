# Start with `make demo` or `make test`. Every command installs what it needs into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := $(VENV)/clients/bin
SERVERS := $(VENV)/servers/bin
DISTRIBUTION := $(VENV)/dist/bin
PIP := -m pip --disable-pip-version-check install --quiet
# Their results make the tables of README.md and docs/performance.md.
BENCHMARKS := throughput serve search query_vectors embedded_encoder rerank_bundled startup ingest rerank
# Processes that run tests. Each starts its own Elasticsearch, which takes 1.5 GB.
WORKERS ?= 2
# A file's tests stay together, in alphabetical order: they share servers, models and indices.
IN_PARALLEL := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test coverage soak lint format types audit docs site bench results gpu dist clean

help:  ## Show the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

demo: $(VENV)/demo.installed  ## Install, start Elasticsearch, try es-hybrid on a sample catalogue, open the page
	$(BIN)/es-hybrid demo

test: $(VENV)/test.installed $(VENV)/clients.installed $(VENV)/servers.installed  ## Run every test
	$(BIN)/python -m pytest $(IN_PARALLEL) --durations=25

coverage: $(VENV)/test.installed $(VENV)/clients.installed $(VENV)/servers.installed  ## Run every test and print the coverage
	$(BIN)/python -m pytest $(IN_PARALLEL) --cov --cov-report=
	$(BIN)/coverage report --skip-covered

soak: $(VENV)/test.installed  ## Run the long reliability tests (hours)
	$(BIN)/python -m pytest -m soak

lint: $(VENV)/test.installed  ## Check style, formatting, the Dockerfile and shell scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint Dockerfile
	$(BIN)/shellcheck docker/certs.sh .ci/run

format: $(VENV)/test.installed  ## Fix style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/test.installed  ## Check the types
	$(BIN)/mypy

audit: $(VENV)/audit.installed  ## Look for known vulnerabilities and insecure code
	$(BIN)/bandit --quiet --recursive --severity-level medium es_hybrid ingest mappings
	$(BIN)/python .ci/audit.py

docs: $(VENV)/test.installed  ## Regenerate docs/cli.md, docs/settings.md and docs/api.md
	$(BIN)/python docs/make_reference.py

site: $(VENV)/site.installed  ## Build the documentation site into `site`; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/test.installed $(VENV)/clients.installed  ## Run the benchmarks (minutes each; ARGS=--smoke: seconds)
	set -e; for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name $(ARGS); done

results: $(VENV)/test.installed $(VENV)/clients.installed  ## Run the benchmarks on a quiet machine and write their tables
	set -e; for name in $(BENCHMARKS); do \
		$(BIN)/python -m benchmarks.$$name > benchmarks/results/$$name.new; \
		mv benchmarks/results/$$name.new benchmarks/results/$$name.txt; done
	$(BIN)/python docs/make_figures.py

gpu: $(VENV)/gpu.installed  ## Check and time the reranker on a CUDA GPU (ARGS="--vllm PATH" adds vLLM)
	$(VENV)/gpu/bin/python -m benchmarks.rerank_gpu $(ARGS)

dist: $(VENV)/test.installed $(VENV)/dist.installed  ## Build wheel, sdist and SBOM, and use the wheel with each extra
	$(DISTRIBUTION)/python .ci/dist.py --sbom serve local page eval xlsx scale export

clean:  ## Remove the virtual environment and caches
	rm -rf $(VENV) dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

# PyPI's torch for Linux includes CUDA (5 GB). Only tests and benchmarks need it.
$(VENV)/demo.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "es-hybrid needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --upgrade 'pip>=25.1'
	$(BIN)/python $(PIP) --constraint constraints.txt --editable '.[local,page]'
	@touch $@

$(VENV)/test.installed: $(VENV)/demo.installed
	$(BIN)/python $(PIP) --constraint constraints.txt --editable '.[all]' --group dev
	@touch $@

$(VENV)/audit.installed: $(VENV)/demo.installed
	$(BIN)/python $(PIP) --constraint constraints.txt --group audit
	@touch $@

$(VENV)/site.installed: $(VENV)/demo.installed
	$(BIN)/python $(PIP) --constraint constraints.txt --group site
	@touch $@

# Frameworks that need another Elasticsearch client have an environment of their own.
$(VENV)/clients.installed: clients.txt
	test -x $(CLIENTS)/python || $(PYTHON) -m venv $(VENV)/clients
	$(CLIENTS)/python $(PIP) --no-deps --no-compile --requirement clients.txt
	@touch $@

# ONNX Runtime for CUDA and that for the CPU break each other.
$(VENV)/gpu.installed: pyproject.toml constraints.txt
	test -x $(VENV)/gpu/bin/python || $(PYTHON) -m venv $(VENV)/gpu
	$(VENV)/gpu/bin/python $(PIP) --upgrade 'pip>=25.1'
	$(VENV)/gpu/bin/python $(PIP) --constraint constraints.txt --editable '.[gpu,export]'
	@touch $@

# Servers that pin older versions of what .venv has, which they find there (see servers.txt).
PURELIB := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
$(VENV)/servers.installed: servers.txt $(VENV)/test.installed
	test -x $(SERVERS)/python || $(PYTHON) -m venv $(VENV)/servers
	$(SERVERS)/python $(PIP) --no-deps --no-compile --requirement servers.txt
	$(BIN)/python $(PURELIB) > "$$($(SERVERS)/python $(PURELIB))/venv.pth"
	@touch $@

# Tools that build a release, apart from what is released.
$(VENV)/dist.installed: pyproject.toml constraints.txt
	test -x $(DISTRIBUTION)/python || $(PYTHON) -m venv $(VENV)/dist
	$(DISTRIBUTION)/python $(PIP) --upgrade 'pip>=25.1'
	$(DISTRIBUTION)/python $(PIP) --constraint constraints.txt --group dist
	@touch $@

# Each target bootstraps .venv itself: a bare machine needs Python 3.11-3.13, git and make.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin
PEERS := .venv-bench
PEERS_STAMP := $(PEERS)/.installed

.PHONY: demo dev test fault bench lint lock clean soql-parser

demo: $(STAMP)
	$(BIN)/syncflow demo

dev: $(STAMP)
	$(BIN)/syncflow dev

# The processes that tests start, and the next call, need not compile everything again.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP)
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

fault: $(STAMP)
	$(BIN)/syncflow fault

bench: $(STAMP) $(PEERS_STAMP)
	$(BIN)/syncflow bench delta --rows 1000000 --ratios
	$(BIN)/syncflow bench monday --ratios
	$(BIN)/syncflow bench salesforce --rows 1000000 --ratios
	$(BIN)/syncflow bench linkedin --ratios
	$(BIN)/syncflow bench idle --ratios

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(STAMP)

# What is only compared with lives apart: its packages do not bear ours.
$(PEERS_STAMP): bench.lock | $(STAMP)
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv --without-pip $(PEERS)
	$(BIN)/uv pip sync --quiet --python $(PEERS)/bin/python --require-hashes bench.lock
	touch $(PEERS_STAMP)

# Salesforce's own SOQL parser, which tests compare with where it is installed; needs node 20.
soql-parser:
	cd tests/soql_parser && npm ci --ignore-scripts --no-audit --no-fund

# The lock is a hashed, universal requirements file: it names no registry, so any mirror serves it.
lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group dev --generate-hashes \
		--no-emit-index-url --no-header --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group pyproject.toml:bench \
		--generate-hashes --no-emit-index-url --no-header --output-file bench.lock

clean:
	rm -rf $(VENV) $(PEERS) build

# Each target bootstraps .venv itself: a bare machine needs Python 3.11-3.13, git and make.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin

.PHONY: demo dev test fault bench lint lock clean

demo: $(STAMP)
	$(BIN)/syncflow demo

dev: $(STAMP)
	$(BIN)/syncflow dev

test: $(STAMP)
	$(BIN)/pytest

fault: $(STAMP)
	$(BIN)/syncflow fault

bench: $(STAMP)
	$(BIN)/syncflow bench delta

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

# The lock is a hashed, universal requirements file: it names no registry, so any mirror serves it.
lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group dev --generate-hashes \
		--no-emit-index-url --no-header --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build

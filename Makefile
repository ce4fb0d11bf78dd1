# make serve | test | check | bench | lock | clean
# ARGS is passed on: make serve ARGS="--port 8000", make test ARGS="-k chat"

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS ?=
# Engine environments of the tests are made once and kept between runs.
TEST_HOME := build/test-home

.PHONY: serve install test check bench lock clean

serve: $(VENV)/.installed
	@$(BIN)/xplatform engine install llama.cpp --quiet
	@exec $(BIN)/xplatform serve $(ARGS)

install: $(VENV)/.installed

test: $(VENV)/.installed-dev
	@$(BIN)/xplatform --home $(TEST_HOME) engine install llama.cpp --quiet
	@$(BIN)/xplatform --home $(TEST_HOME) engine install transformers --quiet
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive apps xplatform

bench: $(VENV)/.installed-dev
	@mkdir -p build
	@$(BIN)/xplatform --home $(TEST_HOME) engine install llama.cpp --quiet
	$(BIN)/python -m bench $(ARGS)

$(VENV)/bin/python:
	@for python in python3.13 python3.12 python3.11 python3; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Making $(VENV) with $$($$python --version)"; \
	        exec $$python -m venv $(VENV); \
	    fi; \
	done; \
	echo "xplatform needs Python 3.11 or newer; none of python3.13, python3.12, python3.11 and" \
	    "python3 on the PATH is." >&2; \
	exit 2

# The package itself is installed by the build tool that the lock brought: no second look-up.
$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo "Installing xplatform"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what the tests need"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# Newest versions that pyproject.toml allows, for all systems and Pythons, with hashes.
lock: $(VENV)/bin/python
	@$(PIP) uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-header --extra postgres --extra build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-header --extra dev --extra build -c requirements.lock pyproject.toml \
	    -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# make serve | test | check | bench | console | lock | clean
# ARGS is passed on: make serve ARGS="--port 8000", make test ARGS="-k chat"

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS ?=
# Engine environments of the tests are made once and kept between runs.
TEST_HOME := build/test-home

# The console is built where Node is, and only when something of it has changed.
NPM := npm --prefix frontend --no-audit --no-fund --loglevel=error
CONSOLE := xplatform/console/built/index.html
CONSOLE_SOURCES := $(shell find frontend -path frontend/node_modules -prune -o -type f -print 2>/dev/null | grep -v -e '\.test\.' -e src/testing -e openapi.json -e api/schema.ts)
NODE_IS_NEW := node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 20 || (+a == 20 && +b >= 19) ? 0 : 1)' 2>/dev/null

.PHONY: serve install test check bench console console-if-node check-console lock clean

serve: $(VENV)/.installed console-if-node
	@$(BIN)/xplatform engine install llama.cpp --quiet
	@exec $(BIN)/xplatform serve $(ARGS)

install: $(VENV)/.installed

console: $(CONSOLE)

console-if-node:
	@if $(NODE_IS_NEW); then $(MAKE) --no-print-directory console; \
	elif [ ! -f $(CONSOLE) ]; then \
	    echo "No web console: building it takes Node.js 20.19 or newer. All else works without it."; \
	fi

# The types of its requests come from what this server answers, so they are made first.
frontend/src/api/schema.ts: $(VENV)/.installed frontend/node_modules/.installed $(shell find apps xplatform -name '*.py')
	@$(BIN)/python manage.py spectacular --format openapi-json --file frontend/openapi.json
	@cd frontend && npm run --silent api > /dev/null
	@touch $@

frontend/node_modules/.installed: frontend/package.json frontend/package-lock.json
	@echo "Installing what the console is built with"
	@$(NPM) ci
	@touch $@

$(CONSOLE): $(CONSOLE_SOURCES) frontend/src/api/schema.ts
	@echo "Building the console"
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@

test: $(VENV)/.installed-dev console-if-node
	@if $(NODE_IS_NEW); then $(NPM) test --silent; fi
	@$(BIN)/python -m tests.support.browser
	@$(BIN)/xplatform --home $(TEST_HOME) engine install llama.cpp --quiet
	@$(BIN)/xplatform --home $(TEST_HOME) engine install transformers --quiet
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive apps xplatform
	@if $(NODE_IS_NEW); then $(MAKE) --no-print-directory check-console; fi

check-console: frontend/src/api/schema.ts
	$(NPM) run --silent check

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

# The one door, for people and for CI. Everything lives in .venv; nothing global is used.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PARTS := bridge emulator contracts sandbox tests benchmarks

.PHONY: sandbox test check fix bench lock clean

sandbox: $(VENV)/.runtime ## set up, then run emulator and bridge with the demo deployment
	@$(BIN)/localtalon up

test: $(VENV)/.dev ## set up, then run the whole test suite
	$(BIN)/coverage run -m pytest $(TESTS)
	@$(BIN)/coverage report --format=total --sort=cover | sed 's/^/branch coverage: /;s/$$/ %/'

check: $(VENV)/.dev ## format, lint, types, import rules
	$(BIN)/ruff format --check $(PARTS)
	$(BIN)/ruff check $(PARTS)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

fix: $(VENV)/.dev ## let the tools mend what they can
	$(BIN)/ruff check --fix $(PARTS)
	$(BIN)/ruff format $(PARTS)

bench: $(VENV)/.dev ## what we measure, each a ratio against a ceiling taken in the same run
	$(BIN)/python -m benchmarks

lock: $(VENV)/.dev ## refresh the lock files from pyproject.toml
	$(BIN)/uv pip compile -q --universal --generate-hashes --custom-compile-command "make lock" pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --custom-compile-command "make lock" pyproject.toml --group dev -o requirements/dev.txt

clean:
	rm -rf $(VENV) dist build

# The package itself is installed editable, so the sources in this checkout are what runs.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "localtalon needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "setting up $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV) || { echo "python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: $(VENV)/bin/python requirements/runtime.txt pyproject.toml
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install 'hatchling>=1.27' editables
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements/dev.txt pyproject.toml
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime

# The one door, for people and for CI. Everything lives in .venv; nothing global is used.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
LOCK := $(BIN)/uv pip compile -q --universal --generate-hashes --custom-compile-command "make lock"
PARTS := bridge emulator contracts sandbox tests benchmarks

.PHONY: sandbox test reliability chaos conformance coverage cores mutate check fix table bench bench-engage lock help clean

sandbox: $(VENV)/.runtime ## set up, then run emulator and bridge with the demo deployment
	@$(BIN)/localtalon up

# On few cores twice as many workers: many tests wait, for processes that start, leases that run out, retries.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -le 4 ] && echo $$((2 * n)) || echo $$n)

test: $(VENV)/.dev ## set up, then run the whole test suite, the reliability tests in their short form
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(TESTS)

reliability: $(VENV)/.dev ## of these the tests of reliability alone: kills, pauses, wire faults, a full disk
	$(BIN)/pytest -n $(WORKERS) --dist loadfile tests/reliability $(TESTS)

chaos: $(VENV)/.dev ## the tests of reliability in their long form: kills, pauses, a million events pending
	LOCALTALON_CHAOS=1 $(BIN)/pytest -v tests/reliability $(TESTS)

conformance: $(VENV)/.dev ## hold the emulator against Talon.One's OpenAPI documents in the folder SPECS
	@test -n "$(SPECS)" || { echo "say where the OpenAPI documents are: make conformance SPECS=DIR" >&2; exit 2; }
	@PYTHONPATH=tests $(BIN)/python -m conformance "$(SPECS)"

coverage: $(VENV)/.dev ## the same in one process, with the branch coverage of each module
	$(BIN)/coverage run -m pytest $(TESTS)
	$(BIN)/coverage report --skip-covered --sort=cover

cores: $(VENV)/.dev ## fail unless the unit tests of each rule core reach every line and branch of it
	@PYTHONPATH=tests $(BIN)/python -m mutation coverage $(CORES)

mutate: $(VENV)/.dev ## change the rule cores in every small way, and fail where no unit test notices; CORES narrows it
	@PYTHONPATH=tests $(BIN)/python -m mutation mutants $(CORES)

check: $(VENV)/.dev ## format, lint, types, import rules
	$(BIN)/ruff format --check $(PARTS)
	$(BIN)/ruff check $(PARTS)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

fix: $(VENV)/.dev ## let the tools mend what they can
	$(BIN)/ruff check --fix $(PARTS)
	$(BIN)/ruff format $(PARTS)

table: $(VENV)/.dev ## write the tables that are made from the code into README and docs
	@$(BIN)/python tests/generated_tables.py

bench: $(VENV)/.dev ## what we measure, each a ratio against a ceiling taken in the same run
	$(BIN)/python -m benchmarks

bench-engage: $(VENV)/.dev ## of these a million members synced, and 1 % of them; MEMBERS=50000 for a quick look
	@LOCALTALON_BENCH_MEMBERS=$(or $(MEMBERS),1000000) $(BIN)/python -m benchmarks engage

lock: $(VENV)/.dev ## refresh the lock files from pyproject.toml
	$(LOCK) pyproject.toml --extra verify -o requirements/runtime.txt
	$(LOCK) --group build -o requirements/build.txt
	$(LOCK) pyproject.toml --extra verify --group build --group dev -o requirements/dev.txt

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1  /p' Makefile

clean: ## forget the environment and what was built
	rm -rf $(VENV) dist build

# The package itself is installed editable, so the sources in this checkout are what runs.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "localtalon needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "setting up $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV) || { echo "python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: $(VENV)/bin/python requirements/runtime.txt requirements/build.txt pyproject.toml
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --require-hashes -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements/dev.txt pyproject.toml
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime

# Two commands for a newcomer: `make run` and `make test`. Everything else is for those who stay.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test check fuzz bench lint types format clean

run: $(VENV)/.runtime
	@NFCS_HTTPS=$${NFCS_HTTPS:-false} exec $(BIN)/python manage.py up

test: $(VENV)/.development
	@$(BIN)/python -m pytest -n 2 --dist loadfile -q

# Each program prints one JSON document; BENCH_ARGS="--rounds 3 --pg-version 16" goes to all of them.
bench: $(VENV)/.development
	@for program in tests/bench/bench_*.py; do \
		$(BIN)/python -m tests.bench.$$(basename $$program .py) $(BENCH_ARGS) || exit 1; done

check: lint types
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@NFCS_HTTPS=true NFCS_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') \
		$(BIN)/python manage.py check --deploy --fail-level WARNING --database default
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

lint: $(VENV)/.development
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/squawk */sql/*.up.sql

fuzz: $(VENV)/.development
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-100} $(BIN)/python -m pytest tests/nfcs/test_openapi_fuzz.py -q

types: $(VENV)/.development
	@$(BIN)/mypy .

format: $(VENV)/.development
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@echo "making $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(VENV)/bin/python requirements.lock
	@echo "installing what requirements.lock names ..."
	@$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.development: $(VENV)/bin/python requirements-dev.lock
	@echo "installing what requirements-dev.lock names ..."
	@$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# What a developer and CI type. Everything is installed into .venv from requirements.lock, hashes checked.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
WORKERS ?= 2
TESTS ?= tests

.DEFAULT_GOAL := help
.PHONY: help demo test long mutate check bench schemas lock clean install format

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

$(LOCKED): requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit("nano-flow needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked dependencies into $(VENV) (once)"
	@$(PIP) install --require-hashes --no-deps -r requirements.lock
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

install: $(INSTALLED) ## .venv with the locked dependencies and nano-flow itself, editable

demo: $(INSTALLED) ## run workflows/quickstart.yaml on simulated models: no key, no network
	@$(BIN)/nano-flow run workflows/quickstart.yaml --offline

test: $(INSTALLED) ## the whole test suite; COVERAGE=1 also holds the bounds of coverage
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(if $(COVERAGE),--cov --cov-report=) $(TESTS)
	@$(if $(COVERAGE),$(BIN)/python .ci/coverage_floors.py)

long: $(INSTALLED) ## the long forms of the long tests: fuzzers (CASES=20000 for each), soak, kills, leases
	@NANO_FLOW_LONG=1 NANO_FLOW_FUZZ=$(or $(CASES),20000) $(BIN)/python -m pytest -n $(WORKERS) --dist load $(TESTS)

mutate: $(INSTALLED) ## change the guards in small ways and see which changes no test notices; never in CI
	@$(PIP) install "mutmut>=3,<4"
	@$(BIN)/python -m mutmut run || true
	@$(BIN)/python -m mutmut results

check: $(INSTALLED) ## format, lint, types, floors, schemas, dependencies
	$(BIN)/ruff format --check engine tests bench .ci
	$(BIN)/ruff check engine tests bench .ci
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/nano-flow schema --check
	$(BIN)/python .ci/startup_files.py

format: $(INSTALLED) ## let ruff format and mend what it can
	$(BIN)/ruff format engine tests bench .ci
	$(BIN)/ruff check --fix engine tests bench .ci

bench: $(INSTALLED) ## measure: a table, and bench/results/*.json
	@$(BIN)/python -m bench

schemas: $(INSTALLED) ## write schemas/*.json from the documents' models
	@$(BIN)/nano-flow schema write schemas

lock: ## resolve the dependencies anew into requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install "pip-tools>=7.4"
	@$(BIN)/python -m piptools compile -q $(foreach extra,dev serve mcp postgres redis otel train vertex,--extra $(extra)) --generate-hashes --strip-extras --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.lock pyproject.toml

clean: ## remove what was built and measured; .venv and .nano-flow stay
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage bench/results
	@find engine tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

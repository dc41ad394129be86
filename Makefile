# Everything runs in .venv, which the first target that needs it sets up from requirements.lock.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
UV := 0.13.9
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS = never
export UV_SYSTEM_CERTS = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test check fix bench serve lock generate clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: .venv/.ok ## install everything into .venv (the other targets do it themselves)

# uv where pip can get it (seconds), else pip alone from the same hashes (a minute).
.venv/.ok: pyproject.toml requirements.lock
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "Setting up .venv from requirements.lock ..." >&2
	@if $(BIN)/pip install -q uv==$(UV); \
	then $(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock; \
	else $(BIN)/pip install -q --require-hashes -r requirements.lock; fi
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

demo: .venv/.ok ## the whole round on real reports; serves until Ctrl-C (ARGS="--once" ends)
	@$(BIN)/scamfeed demo $(ARGS)

test: .venv/.ok ## all tests, with branch coverage
	@$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered $(ARGS)

check: .venv/.ok ## format, lint, types, import contracts, generated files, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

fix: .venv/.ok ## format, and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

generate: .venv/.ok ## write what is generated: schemas/json from the models, tests/golden from the mapping
	@$(BIN)/python -m schemas
	@$(BIN)/python tests/golden/renew.py

bench: .venv/.ok ## the benchmarks, as ratios to something fixed in the same run
	@$(BIN)/python -m benchmarks

serve: .venv/.ok ## the TAXII server on 127.0.0.1:8000 with the store ./scamfeed.db
	@$(BIN)/scamfeed init
	@$(BIN)/scamfeed serve $(ARGS)

lock: ## renew requirements.lock (hashes, no URLs, every Python from 3.11)
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(BIN)/pip install -q uv==$(UV)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra dev --upgrade -o requirements.lock pyproject.toml

clean: ## remove what the targets made
	@rm -rf .venv .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

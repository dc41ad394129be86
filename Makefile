# Everything runs in .venv, which the first target that needs it sets up from requirements.lock. Another Python has an
# environment of its own: make test PYTHON=python3.13 VENV=.venv-3.13
# $(call first_of,PYTHONS): the first of these that runs, can make environments, and is new enough. A name alone may be a
# shim that fails, or a Python without venv.
first_of = $(shell for python in $(1); do if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
  2>/dev/null; then command -v "$$python"; break; fi; done)
PYTHON ?= $(or $(call first_of,python3.11 python3.12 python3.13 python3.14 python3),\
  $(error No Python of 3.11 or newer with venv runs here; name one: make PYTHON=python3.12))
NEWER_PYTHON ?= $(call first_of,python3.13 python3.12 python3.14 python3)
UV := 0.13.9
VENV ?= .venv
BIN := $(VENV)/bin
export UV_PYTHON_DOWNLOADS = never
export UV_SYSTEM_CERTS = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# What Python compiles is kept, also where the caller's settings say otherwise: each process would compile a thousand
# modules anew, and the tests start hundreds of them.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help screenshots setup demo quick test postgresql long coverage check gate full dates loaded interop fuzz browser failover fix docs bench score serve lock generate package clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: $(VENV)/.ok ## install everything into .venv (the other targets do it themselves)

# $(call sync,FOLDER,LOCK): the environment in FOLDER has what LOCK names, and nothing else.
# uv where pip can get it (seconds), else pip alone from the same hashes (a minute).
define sync
	@test -x $(1)/bin/pip || $(PYTHON) -m venv $(1)
	@echo "Setting up $(1) from $(2) ..." >&2
	@if $(1)/bin/pip install -q uv==$(UV); \
	then $(1)/bin/uv pip sync -q --compile-bytecode --python $(1)/bin/python --require-hashes $(2); \
	else $(1)/bin/pip install -q --no-deps --require-hashes -r $(2); fi
endef

$(VENV)/.ok: pyproject.toml requirements.lock
	$(call sync,$(VENV),requirements.lock)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

demo: $(VENV)/.ok ## the whole round on real reports; serves until Ctrl-C (ARGS="--once" ends)
	@$(BIN)/scamfeed demo $(ARGS)

quick: $(VENV)/.ok ## the tests to run while working: three minutes (ARGS="-k holds" chooses among all)
	@$(BIN)/python -m pytest -n 2 -q $(or $(ARGS),-m "not slow and not long" tests/unit)

# .ci/run adds what make postgresql has, which saves it from collecting all tests twice, and one process more: tests wait
# for databases and servers for a tenth of their time. Each process takes up to 1.5 GB.
TESTS ?= not long and not postgresql
PROCESSES ?= 2
test: $(VENV)/.ok ## all tests but the long ones; on PostgreSQL too where SQL is written (make postgresql: the others)
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal $(or $(ARGS),--durations=30 --durations-min=4 -m "$(TESTS)")

postgresql: $(VENV)/.ok ## the tests of all that stands on the store, once more on PostgreSQL
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "postgresql and not long" $(ARGS)

long: $(VENV)/.ok ## the tests that kill, flood or measure for minutes, and the searches for examples in whole
	@SEARCH=whole $(BIN)/python -m pytest -n 2 --dist worksteal $(or $(ARGS),-m "long or search")

coverage: $(VENV)/.ok ## all tests, with branch coverage
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term:skip-covered $(ARGS)

check: $(VENV)/.ok ## format, lint, types, import contracts, generated files, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@+$(MAKE) --no-print-directory -k -j 2 types test

.PHONY: types
types: $(VENV)/.ok
	@$(BIN)/mypy
	@$(BIN)/lint-imports

gate: ## what each change has to pass, as .ci/run: demo, check, postgresql, interop, browser, the newest Python
	@.ci/run

full: ## what takes longer than the gate, as .ci/full: long, fuzz, failover, Debian's PostgreSQL
	@.ci/full

# $(call at,MOMENT): run with the clock moved by a constant offset, time since the start of the machine left alone.
FAKETIME = $(firstword $(wildcard /usr/lib/*/faketime/libfaketime.so.1))
at = LD_PRELOAD=$(FAKETIME) FAKETIME="$$(printf %+ds $$(($$(date -ud "$(1)" +%s) - $$(date +%s))))" FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1

DATES ?= 2026-12-30T12:00 2026-12-31T23:50 2027-03-01T12:00 2027-06-30T23:59 2027-07-01T00:01 2028-02-29T12:00 \
	2028-04-01T12:00 2036-12-02T12:00
# With TURN=1 one of them, the next one each day.
AT = $(if $(TURN),$(word $(shell echo $$(($$(date +%s) / 86400 % $(words $(DATES)) + 1))),$(DATES)),$(DATES))
dates: $(VENV)/.ok ## the tests on other dates (needs Debian's faketime; TURN=1: one a day; DATES="2028-02-29T12:00 …", ARGS="tests/unit")
	@test -n "$(FAKETIME)" || { echo "There is no libfaketime. As root: apt-get install faketime" >&2; exit 1; }
	@failed=; for date in $(AT); do echo "At $$date:"; \
		$(call at,$$date) $(BIN)/python -m pytest -n 2 --dist worksteal -q $(or $(ARGS),-m "not long and not postgresql") \
		|| failed="$$failed $$date"; done; test -z "$$failed" || { echo "failed at:$$failed" >&2; exit 1; }

loaded: $(VENV)/.ok ## the tests beside two busy loops
	@for loop in 1 2; do (while kill -0 $$PPID 2>/dev/null; do :; done) & done; \
		$(BIN)/python -m pytest -n 2 --dist worksteal -q $(or $(ARGS),-m "not long and not postgresql"); \
		code=$$?; kill $$(jobs -p) 2>/dev/null; exit $$code

$(VENV)-interop/.ok: requirements-interop.lock
	$(call sync,$(VENV)-interop,requirements-interop.lock)
	@touch $@

.PHONY: environments
environments: $(VENV)-interop/.ok $(VENV)-docs/.ok
	@if $(HAS_NEWER); then $(MAKE) --no-print-directory $(VENV)-tlog/.ok; fi

HAS_NEWER = $(NEWER_PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 12))" 2>/dev/null
# Two targets at a time: what each prints is kept together, and all are run where one fails.
AT_ONCE = $(MAKE) --no-print-directory -k -j 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

# Each in a process of its own: they teach stix2 the same types, which it refuses to be taught twice.
# The one that takes longest is first.
READERS := tests/interop/test_opentaxii.py $(filter-out %/test_opentaxii.py,$(wildcard tests/interop/test_*.py))
interop: $(VENV)/.ok $(VENV)-interop/.ok ## what a hub serves, read by the programs of those who get it
	@+$(AT_ONCE) $(READERS) tests/interop/tlog tests/dovecot

.PHONY: $(READERS) tests/interop/tlog tests/dovecot
tests/interop/tlog: $(VENV)/.ok
	@echo "$@"; if $(HAS_NEWER); then \
		$(MAKE) --no-print-directory $(VENV)-tlog/.ok && \
		$(VENV)-tlog/bin/python -m pytest -q -c tests/interop/pytest.ini $@; \
	else echo "$@ is left out: there is no Python 3.12 or newer (NEWER_PYTHON=…)" >&2; fi

tests/dovecot: $(VENV)/.ok
	@echo "$@"; if PATH="$$PATH:/usr/sbin" command -v dovecot >/dev/null; then \
		DOVECOT=1 $(BIN)/python -m pytest -q $@; \
	else echo "NO MAILBOX IS READ BY IMAP: there is no Dovecot. As root: apt-get install dovecot-imapd" >&2; fi

$(READERS): $(VENV)/.ok $(VENV)-interop/.ok
	@echo "$@"; $(VENV)-interop/bin/python -m pytest -q $@ $(ARGS)

$(VENV)-docs/.ok: requirements-docs.lock
	$(call sync,$(VENV)-docs,requirements-docs.lock)
	@touch $@

# In .site what Sphinx reads, and what it keeps for the next time.
docs: $(VENV)/.ok $(VENV)-docs/.ok ## the documentation as a site with search, in site/ (settings: docs_folder serves it at /docs)
	@$(BIN)/python -m tools.site.sources .site/sources
	@$(VENV)-docs/bin/sphinx-build -W --keep-going -q -c tools/site -d .site/doctrees .site/sources site
	@$(VENV)-docs/bin/python tools/site/finish.py site
	@echo "The site is in site/: open site/index.html, or set docs_folder" >&2

$(VENV)-tlog/.ok: override PYTHON = $(NEWER_PYTHON)
$(VENV)-tlog/.ok: requirements-tlog.lock
	$(call sync,$(VENV)-tlog,requirements-tlog.lock)
	@touch $@

$(VENV)-fuzz/.ok: requirements-fuzz.lock
	$(call sync,$(VENV)-fuzz,requirements-fuzz.lock)
	@touch $@

fuzz: $(VENV)/.ok $(VENV)-fuzz/.ok ## over 100,000 inputs that mean no good, to a server on each database (FUZZ=n: n passes)
	@+$(AT_ONCE) fuzz-sqlite fuzz-postgresql

.PHONY: fuzz-sqlite fuzz-postgresql
fuzz-sqlite: CHOSEN = not postgresql
fuzz-postgresql: CHOSEN = postgresql
fuzz-sqlite fuzz-postgresql: $(VENV)/.ok $(VENV)-fuzz/.ok
	@FUZZ=$(or $(FUZZ),9) $(BIN)/python -m pytest -q tests/robustness -k "$(CHOSEN)" $(ARGS)

# With SITE=made, the documentation is not made again.
browser: $(VENV)/.ok $(if $(SITE),,docs) ## every page in Chromium, and the documentation, in both languages, on a phone and at a desk (needs Debian's chromium)
	@command -v chromium >/dev/null || { \
		echo "There is no Chromium. As root: apt-get install chromium fonts-noto-core" >&2; exit 1; }
	@$(BIN)/python -m pytest -n 2 --dist loadfile -q --durations=20 --durations-min=4 tests/browser $(ARGS)

screenshots: $(VENV)/.ok ## the pictures of README and docs, taken from the demonstration (needs Debian's chromium)
	@$(BIN)/python -m tools.screenshots

failover: $(VENV)/.ok ## databases and hubs killed, frozen and cut off while partners write and read (ROUNDS=n; Debian's etcd, Patroni, HAProxy)
	@ROUNDS=$(or $(ROUNDS),20) $(BIN)/python -m pytest -q tests/failover $(ARGS)

fix: $(VENV)/.ok ## format, and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

generate: $(VENV)/.ok ## write what is generated: schemas/json, docs/connectors and tables in docs from the code, tests/golden from the mapping and the API
	@$(BIN)/python -m schemas.json_schema
	@$(BIN)/python -m tools.golden_bundles
	@$(BIN)/python -m tools.connector_pages
	@$(BIN)/python -m tools.reference
	@$(BIN)/python -m tools.match_vectors
	@$(BIN)/python -m tools.api_fields
	@$(BIN)/python -m tools.translations

score: $(VENV)/.ok ## how well documents are read: FOLDER=documents with truth lists (tests/extraction/README.md)
	@$(BIN)/python -m benchmarks.extraction $(FOLDER) $(ARGS)

bench: $(VENV)/.ok ## the benchmarks, as ratios to something fixed in the same run
	@$(BIN)/python -m benchmarks

serve: $(VENV)/.ok ## the TAXII server on 127.0.0.1:8000 with the store ./scamfeed.db
	@$(BIN)/scamfeed init
	@$(BIN)/scamfeed serve $(ARGS)

$(VENV)-package/.ok: requirements-package.lock
	$(call sync,$(VENV)-package,requirements-package.lock)
	@touch $@

package: $(VENV)-package/.ok ## wheel, sdist, SBOM, deb and rpm of the last commit in dist/ (FORMATS="wheel deb"; MINISIGN_KEY=file signs)
	@nice $(VENV)-package/bin/python -m tools.package $(FORMATS)

# pycti and misp-stix pin setuptools past each other, and neither runs it.
lock: ## renew the locks (hashes, no URLs, every Python from 3.11)
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q uv==$(UV)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra dev --upgrade -o requirements.lock pyproject.toml
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group build --extra pdf --extra iso20022 -c requirements.lock -o requirements-runtime.lock pyproject.toml
	@echo "setuptools>=83" | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --group interop --override - --upgrade -o requirements-interop.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group fuzz --upgrade -o requirements-fuzz.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url \
		--group tlog --upgrade -o requirements-tlog.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group docs --upgrade -o requirements-docs.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group package --upgrade -o requirements-package.lock

clean: ## remove what the targets made
	@find . -name __pycache__ -prune -exec rm -rf {} +
	@rm -rf .venv .venv-* .site site .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

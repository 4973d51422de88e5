# Everything starts from a plain Python 3.11-3.13: each target sets up .venv first, once.
#
#   make demo        a week of payments, planted faults, the reconciliation and its report
#   make test        all tests                    (make test ARGS="-k money", two at a time unless -n 0)
#   make check       format, lint, types, import contracts, house rules
#   make lock        write requirements.lock again (make lock ARGS=--upgrade takes newer versions)
#   make currencies  write the currency table again from the installed ISO 4217 list
#   make sample-data write sample_data again from the sandbox world
#   make benchmarks  the measured figures of the README
#   make bench-reports  reports over a million transactions and ten thousand breaks
#   make bench-import   a million export rows taken in, beside the databases' own bulk load
#   make bench-throughput   payments, deliveries, sweeps, imports a second beside their limits; the chains' cost
#   make bench-books     a run over a million kept rows of either side, beside DuckDB and datacompy
#   make bench-start   what small commands cost beside a bare Typer program
#   make storms      seeded storms of faults and deaths (make storms SEEDS=10000, make storms SEED=7)
#   make cuts        a thousand commits on PostgreSQL whose connection breaks before, during or after
#   make deliveries  webhooks: 100,000 deliveries in random orders, the receiver killed 20 times
#   make corpus      planted months of both providers and a bank: what is found of what was planted
#   make month       thirty days that run themselves by cron; a morning killed at every commit
#   make docs        write docs/commands.md and docs/settings.md again from the code
#   make fuzz        ten minutes of exports and statements with their bytes disturbed
#   make mutants     which storm notices each fault built in on purpose
#   make clean       remove what the targets made, .venv included
#
# PYTHON names the interpreter for .venv; without it the first fitting one on the path is taken.
# Packages come from whatever index the machine's own pip is configured for.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?=
ARGS ?=
SEEDS ?= 10000
SEED ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
CACHES := .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks build dist

FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))

.PHONY: help setup demo test check lock currencies sample-data benchmarks bench-reports bench-import bench-throughput bench-books bench-start storms cuts mutants deliveries corpus month docs fuzz clean

help:
	@sed -n 's/^#   //p' Makefile

setup: $(READY)

demo: $(READY)
	@$(BIN)/tscli demo $(ARGS)

test: $(READY)
	@TMPDIR="$$($(BIN)/python -m tests.tools.room)" $(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

check: $(READY)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest tests/test_tidy.py

currencies: $(READY)
	@$(BIN)/python -m tests.tools.currencies

sample-data: $(READY)
	@$(BIN)/python -m tests.tools.sample_data

benchmarks: $(READY)
	@$(BIN)/python -m tests.benchmarks $(ARGS)

bench-reports: $(READY)
	@$(BIN)/python -m tests.benchmarks.report_of_many $(ARGS)

bench-import: $(READY)
	@$(BIN)/python -m tests.benchmarks.import_rows $(ARGS)

bench-throughput: $(READY)
	@$(BIN)/python -m tests.benchmarks.throughput $(ARGS)

bench-books: $(READY)
	@$(BIN)/python -m tests.benchmarks.reconcile_books $(ARGS)

bench-start: $(READY)
	@$(BIN)/python -m tests.benchmarks.interactive $(ARGS)

storms: $(READY)
	@$(BIN)/python -m tests.storms $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(ARGS)

cuts: $(READY)
	@$(BIN)/python -m pytest tests/long/test_cut_commits.py -q -s -n 0 -m slow $(ARGS)

deliveries: $(READY)
	@$(BIN)/python -m pytest tests/long/test_deliveries.py -q -m slow $(ARGS)

mutants: $(READY)
	@$(BIN)/python -m tests.storms --mutants $(ARGS)

corpus: $(READY)
	@$(BIN)/python -m tests.corpus $(ARGS)

month: $(READY)
	@$(BIN)/python -m pytest tests/long/test_month.py tests/tscli/test_month.py tests/tscli/test_day_killed.py -q -m slow $(ARGS)

docs: $(READY)
	@$(BIN)/python -m tests.tools.reference

fuzz: $(READY)
	@$(BIN)/python -m pytest tests/long/test_fuzz.py -q -s -m slow $(ARGS)

# uv is needed for this target alone, so it lives in a folder that goes away again. Neither the
# header nor annotations are written: they would name files and options of the machine at hand.
lock: $(READY)
	@folder="$$(mktemp -d)"; trap 'rm -rf "$$folder"' EXIT; \
	$(PIP) install --target "$$folder" uv; \
	"$$folder/bin/uv" pip compile --quiet --universal --python-version 3.11 --extra dev \
	  --generate-hashes --no-header --no-annotate $(ARGS) pyproject.toml -o requirements.lock
	@$(BIN)/python -m pytest tests/test_lock.py

clean:
	rm -rf $(VENV) $(CACHES)
	find domain providers db reconcile reports tscli sample_data tests -name __pycache__ -prune -exec rm -rf {} +

# The locked packages with their hashes first, then the project itself, which needs no network.
$(READY): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked packages into $(VENV) (once, a minute or two) ..." >&2
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

# Some systems ship Python without ensurepip; their own pip can then fill the environment.
$(BIN)/python:
	@python=""; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python); do \
	  if "$$candidate" -c '$(FITS)' 2>/dev/null; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11, 3.12 or 3.13 is needed, and $(or $(PYTHON),the path) offers none." >&2; \
	  echo "Name one: make PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	if "$$python" -c 'import ensurepip' 2>/dev/null; then "$$python" -m venv $(VENV); \
	elif "$$python" -m pip --version >/dev/null 2>&1; then \
	  "$$python" -m venv --without-pip $(VENV); \
	  "$$python" -m pip --python $(BIN)/python install --quiet --quiet pip; \
	else \
	  echo "$$python has neither ensurepip nor pip: install its venv package (python3-venv)." >&2; exit 1; \
	fi

# make demo   see it work: sample documents, no key, no network
# make test   install what tests need and run them all
# make bench  figures, some minutes
# make soak   20 minutes of killed workers; SOAK="--minutes 2 --db sqlite" for less. Neither is part of make test

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench soak clean

demo: .venv/.installed
	@$(BIN)/nightdrop demo

test: .venv/.installed-dev lint
	$(BIN)/pytest -n 3 --dist loadfile tests/contract tests/docs tests/fundamentals tests/http tests/sources tests/unit
	$(BIN)/pytest -n 3 --dist worksteal tests/acceptance tests/crash

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.installed-dev
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/local_batch.py
	$(BIN)/python benchmarks/acceptance.py
	$(BIN)/python benchmarks/local_reader.py
	$(BIN)/python benchmarks/drain.py

soak: .venv/.installed-dev
	$(BIN)/python benchmarks/soak.py $(SOAK)

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nightdrop needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/.installed-dev: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch .venv/.installed $@

clean:
	rm -rf .venv nightdrop-demo build dist

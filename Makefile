# Every target does its own set-up: a virtual environment in .venv, filled once and again only
# when pyproject.toml, constraints.txt or the native kernels change; and the studio's page, built
# again only when web/ changes.
#
#   make demo         train three small models, make new things, open a gallery (about 5 minutes)
#   make test         the quick tests
#   make install      set-up only
#   make studio       build the studio's page, where web/ changed since
#   make test-slow    the tests that train for a while
#   make test-studio  the page in a browser, its slow tests, too
#   make test-postgres  the server's tests with their records in PostgreSQL (ARGS="-m slow", too)
#   make soak         a server under mixed load, every answer checked (MINUTES=2)
#   make bench        the benchmarks of docs/benchmarks.md that need no peer
#   make check        style and types, of the page's sources, too
#   make clean        remove what these targets made, .venv included
#
# Variables:
#   PYTHON=...        the Python to build .venv with (3.11 or newer)
#   TORCH_INDEX=...   a package index that holds the build of torch you want, for example the
#                     CPU index named on PyTorch's own install page; saves gigabytes on Linux
#   ARGS=...          passed on to demo, to pytest or to the benchmarks

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install studio demo test test-slow test-studio test-postgres soak bench check clean

ifndef PYTHON
PYTHON := $(shell for p in python3.11 python3 python3.12 python3.13 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
endif
BIN := .venv/bin
KEY := $(shell cat pyproject.toml constraints.txt hatch_build.py genloom/native/*.h \
	genloom/native/*.cpp genloom/native/build.py | cksum | cut -d ' ' -f 1)
STAMP := .venv/installed-$(KEY)
# One thread a process: test workers must not fight over cores. Many tests wait for other processes,
# so that three workers are busier on two cores than two.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
# pytest keeps its own compiled form of every test file, and a process that a test starts finds the
# package compiled, whatever the environment says of bytecode.
KEPT := PYTHONDONTWRITEBYTECODE=
WORKERS ?= 3
MINUTES ?= 2

help:
	@sed -n 's/^#   make/  make/p' Makefile

# A machine without Node builds the page once, at install; that it cannot again hinders nothing.
studio: $(STAMP)
	@$(BIN)/python web/build.py >/dev/null || echo "==> The studio's page is as it was, or missing"

install: studio
	@echo "==> Installed in .venv: try $(BIN)/genloom --help"

$(STAMP):
	@test -n "$(PYTHON)" || { echo "Genloom needs Python 3.11 or newer with its venv module, and \
	found none. Install one (on Debian and Ubuntu: python3 and python3-venv), or name it: \
	make install PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is not \
	a Python of version 3.11 or newer: name another, make install PYTHON=/path/to/python3.11" >&2; \
	exit 1; }
	@test -x $(BIN)/python || { echo "==> Making a virtual environment in .venv ($(PYTHON))"; \
	"$(PYTHON)" -m venv .venv || { rm -rf .venv; echo "Could not make .venv: on Debian and Ubuntu \
	install the package python3-venv" >&2; exit 1; }; }
	@if [ -n "$(TORCH_INDEX)" ]; then echo "==> Installing torch from $(TORCH_INDEX)"; \
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -c constraints.txt \
	--index-url "$(TORCH_INDEX)" torch; fi
	@echo "==> Installing Genloom and what it needs (about 1 GB, mostly torch; once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt \
	-e ".[tables,server,test]"
	@rm -f .venv/installed-* && touch $@

demo: studio
	@echo "==> Training three small models and making new things with them"
	@$(BIN)/genloom demo $(ARGS)

test: studio
	@echo "==> Quick tests ($(WORKERS) workers)"
	@$(BIN)/python -m compileall -q genloom
	@$(ONE_THREAD) $(KEPT) $(BIN)/python -m pytest -q -n $(WORKERS) $(ARGS)

test-slow: studio
	@echo "==> Slow tests (some minutes)"
	@$(BIN)/python -m pytest -q -m slow --timeout 1200 $(ARGS)

test-studio: studio
	@echo "==> The studio in a browser, its slow tests, too"
	@$(ONE_THREAD) $(BIN)/python -m pytest -q -n 2 -m "slow or not slow" tests/studio --timeout 600 $(ARGS)

test-postgres: studio
	@echo "==> The server's tests, their records in PostgreSQL"
	@RECORDS=postgresql $(ONE_THREAD) $(BIN)/python -m pytest -q -n $(WORKERS) tests/server $(ARGS)

soak: studio
	@echo "==> A server under mixed load for MINUTES=$(MINUTES) minutes"
	@SOAK_MINUTES=$(MINUTES) $(ONE_THREAD) $(BIN)/python -m pytest -q -n 0 -m slow \
	tests/server/faults/test_soak.py --timeout 3600 $(ARGS)

bench: studio
	@echo "==> Benchmarks (see docs/benchmarks.md; a quiet machine, please)"
	@set -e; for script in benchmarks/bench_*.py; do test -e "$$script" || continue; \
	echo "==> $$script"; $(BIN)/python "$$script" $(ARGS); done

check: studio
	@echo "==> Style"
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "==> Types"
	@$(BIN)/pyrefly check
	@if [ -x web/node_modules/.bin/tsc ]; then cd web && node_modules/.bin/tsc --noEmit; \
	else echo "(not those of the page: web/node_modules is not there)"; fi

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .pyrefly_cache build dist demo-out \
	genloom/studio/site web/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

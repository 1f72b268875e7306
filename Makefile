# Every target sets up what it needs, on a machine that has make and Python >= 3.11 and nothing else.
#
#   make run      the demonstration on http://127.0.0.1:8000/   (PORT=9000, HOST=0.0.0.0)
#   make test     the tests                                     (ARGS="tests/http -k range", JOBS=4)
#   make bench    what requests cost, Kolben and its peers   (ARGS="inprocess --kind json", ARGS="compare HEAD~3")
#
# PYTHON chooses the interpreter (default: python3, or the newest python3.x that is found when that one is too old).
# VENV chooses the folder of the virtual environment; one for each interpreter can stand side by side.

VENV  ?= .venv
HOST  ?= 127.0.0.1
PORT  ?= 8000
JOBS  ?= 2
ARGS  ?=

SHELL := /bin/sh
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run test lint style types pyright imports budgets bench format clean test-flask test-extensions

# Interpreter ------------------------------------------------------------------------------------

NEW_ENOUGH    := import sys; sys.exit(sys.version_info < (3, 11))
PRINT_VERSION := import platform; print(platform.python_version())
ifeq ($(origin PYTHON),undefined)
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
else
CANDIDATES := $(PYTHON)
endif

# PY is the first candidate that is new enough, or nothing; VERSION names its version in the stamps, so that another
# interpreter means another environment.
PY      := $(shell for p in $(CANDIDATES); do "$$p" -c '$(NEW_ENOUGH)' 2>/dev/null && { command -v "$$p"; break; }; done)
VERSION := $(if $(PY),$(shell "$(PY)" -c '$(PRINT_VERSION)'))

define NO_PYTHON
Kolben needs Python 3.11 or newer, and none of these is: $(CANDIDATES)
Install one, or name it: make $(or $(MAKECMDGOALS),test) PYTHON=/path/to/python3.12
endef

define NO_ENSUREPIP
$(PY) cannot make virtual environments: it has no ensurepip.
On Debian and Ubuntu that is a package of its own: apt-get install python3-venv
Or name another interpreter: make $(or $(MAKECMDGOALS),test) PYTHON=/path/to/python3.12
endef
export NO_ENSUREPIP

# Environment ------------------------------------------------------------------------------------

BIN   := $(VENV)/bin
READY := $(VENV)/.ready-$(VERSION)

# The environment itself; one that another version of Python made is made anew.
$(READY)/venv:
	$(if $(PY),,$(error $(NO_PYTHON)))
	@"$(PY)" -c 'import ensurepip' 2>/dev/null || { echo "$$NO_ENSUREPIP" >&2; exit 1; }
	@[ "$$("$(BIN)/python" -c '$(PRINT_VERSION)' 2>/dev/null)" = "$(VERSION)" ] || { \
	echo "Making $(VENV) with $(PY) ($(VERSION))"; "$(PY)" -m venv --clear "$(VENV)"; }
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	@mkdir -p "$(READY)" && touch "$@"

# What runs Kolben, what tests it, what checks its source: each contains the one before it.
INSTALL = "$(BIN)/python" -m pip install --quiet --disable-pip-version-check --editable .

$(READY)/run: pyproject.toml $(READY)/venv
	@echo "Installing Kolben into $(VENV)"
	@$(INSTALL)
	@touch "$@"

$(READY)/test: pyproject.toml $(READY)/venv
	@echo "Installing Kolben and what its tests need into $(VENV)"
	@$(INSTALL) --group test
	@touch "$(READY)/run" "$@"

$(READY)/lint: pyproject.toml $(READY)/test
	@echo "Installing the linters into $(VENV)"
	@$(INSTALL) --group test --group lint
	@touch "$@"

# Targets ----------------------------------------------------------------------------------------

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile
	@echo "Also: lint (style, types, pyright, imports), budgets, format, clean"

run: $(READY)/run
	@cd examples/guestbook && exec "$(abspath $(BIN))/kolben" run --host "$(HOST)" --port "$(PORT)"

test: $(READY)/test
	@"$(BIN)/python" -m pytest -n $(JOBS) --dist worksteal $(ARGS)

# Flask's own tests, and those of extensions, on Kolben under the alias, against the real Flask (tests/flask/suites.toml).
test-flask: $(READY)/test
	@"$(BIN)/python" tests/flask/run.py flask

test-extensions: $(READY)/test
	@"$(BIN)/python" tests/flask/run.py --extensions

lint: style types pyright imports

style: $(READY)/lint
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .

# The second runs mypy on user programs, some of which must not pass.
types: $(READY)/lint
	"$(BIN)/mypy"
	@"$(BIN)/python" -m pytest -q tests/typing

# Pyright is a Node program: it runs where there is a node, and says so where there is none.
pyright: $(READY)/lint
	@if command -v node >/dev/null 2>&1; then echo '"$(BIN)/pyright"'; "$(BIN)/pyright" --pythonpath "$(BIN)/python"; \
	else echo "pyright: skipped, it needs node, which is not installed"; fi

imports: $(READY)/lint
	"$(BIN)/lint-imports" --no-logo --no-cache

# What is counted, not timed: calls per request, modules imported, sizes, twins, the public API. Prints the counts.
budgets: $(READY)/test
	@"$(BIN)/python" -m pytest tests/budgets $(ARGS)

# The peers have an environment of their own: their requirements are not Kolben's.
BENCH := .cache/bench-venv
$(BENCH)/.ready-$(VERSION): pyproject.toml
	$(if $(PY),,$(error $(NO_PYTHON)))
	@echo "Installing Kolben and the frameworks it is measured against into $(BENCH)"
	@"$(PY)" -m venv --clear "$(BENCH)"
	@"$(BENCH)/bin/python" -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	@"$(BENCH)/bin/python" -m pip install --quiet --disable-pip-version-check --editable . --group bench
	@touch "$@"

bench: $(BENCH)/.ready-$(VERSION)
	@"$(BENCH)/bin/python" -m benchmarks $(ARGS)

format: $(READY)/lint
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .

clean:
	rm -rf .venv .venv-* build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

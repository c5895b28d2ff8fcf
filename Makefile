# make lab   learn: environment, then JupyterLab at the first lecture
# make test  prove: environment, then the whole suite with the network off
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: lab env test check book bench
.DEFAULT_GOAL := lab

env: $(READY)

# Remade only when what must be installed has changed.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v >= (3, 11) else f"Python 3.11 or newer is needed, this is {v[0]}.{v[1]}: install one and say  make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@

lab: env
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" notebooks/00_start_here.ipynb $(LAB_OPTIONS)

# The kernels and nbgrader find their tools (alembic, jupyter) through PATH.
# One process a core and one thread a process; a file's tests stay together, for they share what they build.
PYTEST := PATH="$(CURDIR)/$(BIN):$$PATH" COURSE_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

test: env
	$(PYTEST) $(PYTEST_OPTIONS)

check: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check course_lib tests benchmarks book
	$(BIN)/nbstripout --keep-id --verify notebooks/*.ipynb solutions/*/*.ipynb assignments/*/*.ipynb
	$(PYTEST) -m "not slow" $(PYTEST_OPTIONS)

book: env
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m book.build

bench: env
	$(BIN)/python -m benchmarks

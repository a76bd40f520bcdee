# Two commands for a newcomer: `make demo` runs the main job, `make test` runs all checks.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo demo-opendcim test test-fast tests-of bench fuzz clean

demo: $(VENV)/installed
	$(BIN)/python scripts/demo.py demo

demo-opendcim: $(VENV)/installed
	$(BIN)/python scripts/demo_opendcim.py demo-opendcim

test: $(VENV)/installed-test
	PATH="$(abspath $(BIN)):$$PATH" scripts/check

# While changing something: all but the slow tests, in about two minutes.
test-fast: $(VENV)/installed-test
	PATH="$(abspath $(BIN)):$$PATH" scripts/check tests/unit tests/opendcim/unit tests/contract -k 'not postgresql and not openbis'

# Which tests cover a module: make tests-of MODULE=shared/store/engine.py
tests-of:
	@$(PYTHON) scripts/tests_of.py $(MODULE)

# What docs/performance.md explains; BENCH=--small to see that it works.
bench: $(VENV)/installed-test
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.benchmarks $(BENCH)

# 10,000 mutated lists and 1,000 mutated settings, all the way; FUZZ="--seed 2" for others.
fuzz: $(VENV)/installed-test
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.fuzz $(FUZZ)

$(VENV)/installed: requirements.txt pyproject.toml
	$(PYTHON) scripts/needs_python.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -e .
	touch $@

$(VENV)/installed-test: $(VENV)/installed requirements-test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	touch $@

clean:
	rm -rf $(VENV) demo demo-opendcim fuzz-crashes build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

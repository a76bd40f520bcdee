# Two commands for a newcomer: `make demo` runs the main job, `make test` runs all checks.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test clean

demo: $(VENV)/installed
	$(BIN)/python scripts/demo.py demo

test: $(VENV)/installed-test
	PATH="$(abspath $(BIN)):$$PATH" scripts/check

$(VENV)/installed: requirements.txt pyproject.toml
	$(PYTHON) scripts/needs_python.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -e .
	touch $@

$(VENV)/installed-test: $(VENV)/installed requirements-test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	touch $@

clean:
	rm -rf $(VENV) demo build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

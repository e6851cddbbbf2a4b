# Two commands do everything: `make demo` shows Salus at work, `make test` checks it. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo-out

.PHONY: demo test test-fast lint docs lock clean system
demo: $(VENV)/.installed
	$(BIN)/salus demo --out $(OUT)

test: $(VENV)/.installed-dev lint
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

test-fast: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 -m "not slow"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/.installed: requirements.lock pyproject.toml scripts/system_packages.sh
	sh scripts/system_packages.sh demo
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	sh scripts/system_packages.sh test
	$(BIN)/pip install --quiet --requirement requirements-dev.lock
	touch $@

docs: $(VENV)/.installed-dev ## the reference pages, made from the program
	$(BIN)/python scripts/reference.py
	$(BIN)/python scripts/benchmark_page.py
	$(BIN)/python scripts/copd_card_page.py

lock: ## made anew from pyproject.toml; needs the network
	sh scripts/lock.sh

clean:
	rm -rf $(VENV) demo-out .pytest_cache .mypy_cache .ruff_cache

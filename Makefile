# All that is needed beforehand: git, make and Python >= 3.11. uv is used when it is there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

ifneq ($(shell command -v uv 2>/dev/null),)
create = uv venv --quiet --allow-existing --python '>=3.11' $(VENV)
install = uv pip install --quiet --compile-bytecode --python $(BIN)/python
else
create = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.13")' \
  && $(PYTHON) -m venv $(VENV)
install = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.DEFAULT_GOAL := help
.PHONY: help run test test-containers check format lock bench image clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## Serve on http://127.0.0.1:8000 (settings: docs/configuration.md)
	@exec $(BIN)/emoticon serve

test: $(VENV)/dev.stamp ## Run all tests, with real servers, and measure the coverage
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-containers: $(VENV)/dev.stamp ## Run both compose files with Docker, and test what they start
	@tools/base-images
	@$(BIN)/python -m pytest -rs tests/containers/stack.py tests/containers/suite.py $(ARGS)

check: $(VENV)/dev.stamp ## Check style (PEP 8), types, layers, generated files; containers and alerts
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python tools/generated.py --check
	@$(BIN)/hadolint Dockerfile deploy/compose/test.Dockerfile
	@if command -v promtool >/dev/null; then promtool check rules deploy/prometheus/alerts.yml deploy/prometheus/recording.yml >/dev/null; fi
	@if command -v dclint >/dev/null; then dclint docker-compose.yml docker-compose-test.yml; fi

format: $(VENV)/dev.stamp ## Format the code and write the generated files anew
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/python tools/generated.py

lock: $(VENV)/dev.stamp ## Write the lock files anew (hashes, no addresses)
	@$(BIN)/python tools/lock.py

bench: $(VENV)/dev.stamp ## Measure, each figure beside its baseline, into docs/benchmarks.md
	@$(BIN)/python -m bench

image: ## Build the container image
	docker build --tag emoticon .

clean: ## Delete everything that was made here, except data
	rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/run.stamp: requirements/runtime.txt requirements/build.txt pyproject.toml
	@echo "Preparing $(VENV) ..."
	@$(create)
	@$(install) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(install) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	@echo "Preparing $(VENV) for development ..."
	@$(install) --require-hashes -r requirements/dev.txt
	@touch $@

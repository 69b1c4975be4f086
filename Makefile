# Everything runs in .venv, made with the machine's python3; `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test test-fast compiled test-compiled check lint types layers format setup dev bench-lb bench-scale bench-handover bench-cluster bench-load bench-dashboard bench-audit calibration compare-lb oracle soak scenarios multi-host tutorial wheel clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## Set up and play the Valiantys scenario (more options: make run ARGS="--seed 7")
	@$(BIN)/zdu run valiantys $(ARGS)

# One worker more than there are cores, up to four: many tests wait for something, and more would wait for each other.
WORKERS := -n $(shell $(PYTHON) -c 'import os; print(min(4, 1 + len(os.sched_getaffinity(0))))' 2>/dev/null || echo 2) \
	--dist worksteal

test: dev ## Set up and run all tests, on a PostgreSQL of their own where its programs are found
	@$(BIN)/python -P -m tests.support.postgres $(BIN)/python -m pytest $(WORKERS) $(ARGS)

test-fast: dev ## The tests that take no processes and no browser
	@$(BIN)/python -m pytest $(WORKERS) -m "not slow and not browser" $(ARGS)

COMPILED := build/compiled
OPT ?= 3
PACKAGES := zdu shared_db node lb simulator scenarios

compiled: $(COMPILED)/.built ## The load balancer with its data path compiled, in build/compiled (a minute; needs gcc)

$(COMPILED)/.built: $(VENV)/.installed-dev tools/compile_lb.py pyproject.toml $(shell find $(PACKAGES) -type f -not -name '*.pyc')
	@echo "Compiling the load balancer's data path into $(COMPILED) (about a minute) ..."
	@$(BIN)/python -m tools.compile_lb --opt-level $(OPT)

# The same tests, the compiled modules first on the path of the tests and of the processes they start.
test-compiled: compiled ## The load balancer's tests that take no processes, on the compiled one
	@PYTHONPATH=$(CURDIR)/$(COMPILED) ZDU_TESTS_COMPILED=1 $(BIN)/python -P -m pytest -o "pythonpath=$(COMPILED) ." \
		$(WORKERS) -m "not slow and not browser" $(or $(ARGS),tests/lb)

check: lint types layers ## Lint, types and layers

lint: dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: dev
	@$(BIN)/mypy

layers: dev
	@$(BIN)/lint-imports

format: dev ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

setup: $(VENV)/.installed
dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "zdu needs Python 3.11 or newer: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	@echo "Installing zdu and its libraries into $(VENV) (about a minute) ..."
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml
	@echo "Installing zdu, its libraries, and the test and lint tools into $(VENV) (about a minute) ..."
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --editable '.[dev]'
	@touch $(VENV)/.installed $@

bench-lb: dev ## The load balancer's speed beside HAProxy, nginx, Apache and aiohttp (bench/README.md)
	@$(MAKE) --no-print-directory compiled || echo "It goes on without the compiled load balancer."
	@$(BIN)/python -m bench.compare $(ARGS)

bench-scale: dev ## 10,000 idle clients and 1,000 active ones; 100 nodes checked every second
	@$(BIN)/python -m bench.scale $(ARGS)

bench-handover: dev ## The load balancer is replaced five times under load: no request may fail
	@$(BIN)/python -m bench.handover $(ARGS)

bench-cluster: dev ## 50 node processes on SQLite, then on PostgreSQL: joining, heartbeats, memory
	@$(BIN)/python -P -m tests.support.postgres $(BIN)/python -m bench.cluster $(ARGS)

bench-load: dev ## How much the load generator sends, and whether the verdict says so when it cannot
	@$(BIN)/python -P -m bench.load $(ARGS)

bench-dashboard: dev ## How smoothly the dashboard is drawn: ten nodes, two hundred users, in Chromium
	@$(BIN)/python -P -m bench.dashboard $(ARGS)

bench-audit: dev ## How long the audit at the end of a run takes by the number of writes
	@$(BIN)/python -P -m bench.audit $(ARGS)

calibration: dev ## Test the instruments: planted faults must be found, 100 clean runs show none (docs/calibration.md)
	@$(BIN)/python -P -m zdu calibrate --write docs/calibration.md $(ARGS)

oracle: dev ## The same cases through the load balancer, HAProxy, nginx and Apache (docs/oracle.md)
	@$(BIN)/python -m bench.oracle $(ARGS)

compare-lb: dev ## The Valiantys test behind ours, Apache, HAProxy and nginx, with drain and without (4 minutes)
	@$(BIN)/zdu compare-lb valiantys $(ARGS)
	@$(BIN)/zdu compare-lb valiantys --set balancer.drain=false $(ARGS)

SECONDS ?= 600
soak: dev ## Ten minutes of faults before the load balancer: memory, descriptors, orders (SECONDS=600)
	@$(BIN)/python -m bench.soak --seconds $(SECONDS) $(ARGS)

SEEDS ?= 10
scenarios: dev ## Every shipped scenario and its twin with several seeds each, for the night (SEEDS=10)
	@$(BIN)/python -P -m tools.play_all --seeds $(SEEDS) $(ARGS)

multi-host: dev ## Nodes, database and load balancer on hosts of their own (network namespaces; Linux, as root)
	@$(BIN)/python -m tools.multi_host

tutorial: dev ## Play the tutorial's runs and write what they show into its chapters (10 minutes)
	@$(BIN)/python -P -m tools.tutorial $(ARGS)

wheel: dev ## Build the wheel and the source archive into dist/
	@$(BIN)/python -m build --quiet

clean: ## Remove what can be made again (.venv, caches, dist); runs/ stays
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

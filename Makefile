# Two commands are enough: `make run` and `make test`. `make` alone lists all of them.
PYTHON ?= python3
# Most tests wait for something, so two cores take more than two processes.
PROCESSES ?= 4
# What is too dear for every change: the whole from outside, servers that die under load, and the files of deploy/.
SYSTEM := tests/system tests/faults/killed_servers tests/faults/availability tests/deploy
# How long `make fuzz` runs; SEED= repeats a run.
REQUESTS ?= 100000
MESSAGES ?= 100000
EXAMPLES ?= 2000
SEED ?=
# What `make bench` measures, if not all, and a checkout with its .venv to measure beside this one.
ONLY ?=
BASE ?=
# The numbers of orders at which `make bench` measures growth: "0 1000000 5000000" takes some ten minutes more.
GROWTH ?=
# The extras of an installation that serves: all but those that test.
SERVICE := http cli sqlite postgres rabbitmq nats redis limits
BIN := .venv/bin
TYPESCRIPT := tests/system/clients/typescript

.DEFAULT_GOAL := help
.PHONY: help install run test system lint audit fuzz mutants demo bench bench-quick newman clients tools wheel docs lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

install: .venv/.installed  ## everything into .venv, as the lock file says; done again when that changes

# The stamp is written last, so an installation that was interrupted is not taken for one.
.venv/.installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null \
	  || { echo "$(PYTHON) is not there: install Python 3.11 or later, or make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than Python 3.11: name a later one with make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "$(PYTHON) has no venv module: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: install  ## the embedded service on http://127.0.0.1:8080; OMS_PORT and the other settings are obeyed
	@$(BIN)/oms serve

test: install  ## every test but the system's, on real servers, in PROCESSES=4
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal $(SYSTEM:%=--ignore=%)

# A laptop without Node, or without a network, runs the rest; with CI=true the tests themselves insist on both.
system: install  ## the tests of the whole from outside, of servers that are killed and of deploy/, Postman and generated clients too
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory newman || echo "newman is not installed" >&2; fi
	@$(MAKE) --no-print-directory clients || echo "the generators of clients are not installed" >&2
	@$(MAKE) --no-print-directory tools || echo "what checks the files of deploy/ is not installed" >&2
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal $(SYSTEM)

lint: install  ## style, formatting, types, and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: install  ## known vulnerabilities in what is locked; a notice where the advisory service is out of reach
	@PYTHON=$(PYTHON) .ci/audit

fuzz: install  ## hostile requests and messages, REQUESTS= and MESSAGES= of them; SEED= repeats a run
	@$(BIN)/python -m tests.fuzz --requests $(REQUESTS) --messages $(MESSAGES) --examples $(EXAMPLES) $(if $(SEED),--seed $(SEED))
mutants: install  ## take every defence out, one at a time, and see that its tests fail
	@$(BIN)/python -m tests.security.mutants

demo: install  ## 1,000 buyers at 100 units, then a drop of which a third is never paid
	@$(BIN)/python -m tests.bench.demo

bench: install  ## all measurements, some 25 minutes; ONLY="connections sell_out" some, BASE=checkout another one beside
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(BASE),--base $(BASE)) $(if $(GROWTH),--growth $(GROWTH))

bench-quick: install  ## each measurement shortly: does it run, not how fast
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(BIN)/python -m tests.bench --quick --folder "$$folder"

newman: postman/node_modules/.installed  ## Postman's runner, as its lock file says (needs Node and npm)

postman/node_modules/.installed: postman/package.json postman/package-lock.json
	npm ci --prefix postman --ignore-scripts --no-audit --no-fund
	@touch $@

# A place for each generator: the Python one wants an older typer than the project has.
wheel: install  ## the wheel, in dist/
	$(BIN)/python -m hatchling build -t wheel

clients: .venv/clients/.installed $(TYPESCRIPT)/node_modules/.installed  ## what makes clients from the OpenAPI document (one needs Node)

.venv/clients/.installed: tests/system/clients/python/client.lock | install
	$(PYTHON) -m venv .venv/clients
	.venv/clients/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r $<
	@touch $@

$(TYPESCRIPT)/node_modules/.installed: $(TYPESCRIPT)/package.json $(TYPESCRIPT)/package-lock.json
	npm ci --prefix $(TYPESCRIPT) --ignore-scripts --no-audit --no-fund
	@touch $@

tools: .venv/tools/.installed  ## what checks the chart, the Compose file and the Dockerfile

.venv/tools/.installed: tests/deploy/tools.lock | install
	$(PYTHON) -m venv .venv/tools
	.venv/tools/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r $<
	@touch $@

docs: install  ## draw the pages that are made from data
	$(BIN)/python docs/draw.py
	$(BIN)/python docs/capacity.py
	$(BIN)/python docs/pictures.py
	$(BIN)/python docs/plots.py

# Needs uv (https://docs.astral.sh/uv/); its output carries hashes and no download addresses.
lock:  ## resolve the dependencies anew
	uv pip compile pyproject.toml --all-extras --group dev --generate-hashes --universal --python-version 3.11 \
	  --no-header --output-file requirements.lock
	uv pip compile pyproject.toml tests/system/pages/frameworks.in --extra sqlite --extra limits --extra testing \
	  --constraint requirements.lock --generate-hashes --universal --python-version 3.11 --no-header \
	  --output-file tests/system/pages/programs.lock
	uv pip compile pyproject.toml $(SERVICE:%=--extra %) --constraint requirements.lock --generate-hashes --universal \
	  --python-version 3.11 --no-header --output-file deploy/requirements.lock
	uv pip compile pyproject.toml --group build --constraint requirements.lock --generate-hashes --universal \
	  --python-version 3.11 --no-header --output-file deploy/build.lock
	for name in .ci/audit tests/system/clients/python/client tests/deploy/tools; do \
	  uv pip compile $$name.in --generate-hashes --universal --python-version 3.11 --no-header --output-file $$name.lock; \
	done

clean:  ## remove what make has made; oms.db stays
	rm -rf .venv dist build postman/node_modules $(TYPESCRIPT)/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

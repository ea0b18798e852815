# Two commands set everything up: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install run test lint demo bench lock

install: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Needs uv (https://docs.astral.sh/uv/); its output carries hashes and no download addresses.
lock:
	uv pip compile pyproject.toml --all-extras --group dev --generate-hashes --universal --python-version 3.11 \
	  --no-header --no-emit-package oms --output-file requirements.lock

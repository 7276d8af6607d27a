#: make run    install, then open the composer in the browser (PORT=..., WORKSPACE=folder of your graphs)
#: make test   install, then every check and every test, in WORKERS=2 processes
#: Also: web (build the front end, needs Node.js), check (check-web: its part of it), format, bench, clean. Another interpreter: make PYTHON=python3.13 ...

PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := $(wildcard app.py) composer components tests $(wildcard benchmarks examples)
FRONTEND := composer/web/frontend

.DEFAULT_GOAL := help
.PHONY: help install run test test-fast check check-web format web bench clean

help:
	@sed -n 's/^#: //p' Makefile

install: $(READY)

# torch goes first and alone, so that the build chosen for it (CPU or CUDA) is settled before anything else asks for it.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is `$(PYTHON) --version 2>&1`." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo "Python's venv is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "`grep '^torch==' constraints.txt`"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,onnx,detection]'
	@touch $@

run: $(READY)
	$(BIN)/composer ui --open $(if $(PORT),--port $(PORT)) $(if $(WORKSPACE),--workspace $(WORKSPACE))

test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations=20

test-fast: $(READY)
	$(BIN)/python -m pytest -m 'not slow'

check: $(READY)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	@$(MAKE) --no-print-directory check-web

# The front end is checked where Node.js is there and its packages can be had; nothing of Python depends on them.
check-web:
	@cd $(FRONTEND) && ./check.sh

format: $(READY)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

web: $(READY)
	$(BIN)/python -m composer.web.schema > $(FRONTEND)/src/payloads.schema.json
	cd $(FRONTEND) && npm ci --no-audit --no-fund && npm run --silent types && npm test && npm run build
	$(BIN)/python -m composer.web.bundle --record

bench: $(READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

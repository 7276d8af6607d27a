#: make run    install, then open the composer in the browser (PORT=..., WORKSPACE=folder of your graphs)
#: make test   install, then every check and every test, in WORKERS=2 processes
#: make test-extras   what the extras add, and the core on a newer torch, in an environment of its own
#: Also: web (build the front end, needs Node.js), check (check-web: its part of it), format, bench, clean. Another interpreter: make PYTHON=python3.13 ...

PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := $(wildcard app.py) composer components tests $(wildcard benchmarks examples)
FRONTEND := composer/web/frontend

.DEFAULT_GOAL := help
.PHONY: help install run test test-fast test-extras check check-web format web bench clean

help:
	@sed -n 's/^#: //p' Makefile

install: $(READY)

# torch goes first and alone, so that its build (CPU or CUDA) is chosen before anything else requires it.
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

# timm needs torchvision, and that the very torch that it was built for.
EXTRAS := .venv-extras
NEWER := torch==2.14.1 torchvision==0.29.1

$(EXTRAS)/.ready: pyproject.toml constraints.txt Makefile
	$(PYTHON) -m venv $(EXTRAS)
	$(EXTRAS)/bin/python -m pip install --quiet $(NEWER)
	grep -v '^torch==' constraints.txt > $(EXTRAS)/constraints.txt
	$(EXTRAS)/bin/python -m pip install --quiet --constraint $(EXTRAS)/constraints.txt $(NEWER) \
		--editable '.[dev,onnx,openvino,detection,timm,transformers]'
	@touch $@

# What depends on the release of torch, and what needs timm; torchvision's operators and weights are compared with our own.
ON_NEWER := tests/timm tests/modules tests/torchvision tests/transformers tests/openmmlab/test_timm.py tests/components tests/test_answers.py tests/test_check.py tests/test_clusters.py \
	tests/test_exporting.py tests/test_openvino.py tests/test_images.py tests/test_inference.py tests/test_input_checks.py tests/test_inputs.py \
	tests/test_loading.py tests/test_meta.py tests/test_modes.py tests/test_momentum_schedule.py tests/test_port_types.py \
	tests/test_resampling.py tests/test_rules.py tests/test_saved_graphs.py tests/test_weight_rules.py

test-extras: $(EXTRAS)/.ready
	OMP_NUM_THREADS=1 $(EXTRAS)/bin/python -m pytest -n $(WORKERS) --dist worksteal --durations=10 -m 'not slow' \
		--ignore tests/components/test_bounds.py $(ON_NEWER)
	OMP_NUM_THREADS=1 $(EXTRAS)/bin/python -m pytest -m slow tests/timm tests/torchvision tests/test_saved_graphs.py \
		-k 'timm or torchvision or efficientnet_b0 or convnext or vit_base_sfp'

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
	rm -rf $(VENV) $(EXTRAS) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

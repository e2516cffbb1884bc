# make repro   the pipeline, from nothing to the table and the plots page
# make test    ruff and pytest
# make check   is params.yaml in order?
.PHONY: repro test check
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PYTHON ?= python3

repro: .venv/installed check
	dvc repro
	@cat data/summary.md
	@dvc plots show --quiet && echo "Plots: $(CURDIR)/dvc_plots/index.html"

test: .venv/installed
	ruff check .
	ruff format --check .
	pytest

check: .venv/installed
	@python -m stages.core.settings

.venv/installed: requirements.txt requirements-data.txt
	$(PYTHON) -m venv .venv
	pip install --quiet --disable-pip-version-check -r requirements.txt
	pip install --quiet --disable-pip-version-check --no-deps -r requirements-data.txt
	@touch $@

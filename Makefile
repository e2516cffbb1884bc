# make repro [WITH=FILE]   the pipeline, from nothing to the table and report.html; WITH: set a file's values in params.yaml
# make test                ruff and pytest
# make quick               the same without all that runs DVC, kills processes or takes long: for the daily loop
# make ask [STAGE= AGAIN=1]  where people label: write down which rows the next round asks for, in labels/
# make ask FORMAT=label-studio [PREDICT=1]   and as tasks for a tool, in tasks/; or argilla, prodigy, doccano
# make label [WHO=anna PORT=]  where people label: the page in the browser; asks for the next rows by itself
# make answers FILE=... [WHO=anna]   read answers from a table, such as labels/stage1.csv after it was filled in, or a tool's export
# make find WORDS="..." [STAGE=]     ask for rows with these words too
# make doubts [MOST=]       where people label: answers to look at again, in tasks/
# make waiting             what labelling waits for
# make test-browser        the tests of the pages in a real Chromium alone, which is wanted then (Debian: chromium, chromium-driver)
# make bench [QUICK=1]     our code beside what you would use in its place, timed in turn; NAMES="embed umap" for some
# make check [DATA=path]   is params.yaml in order? DATA: and what is found in a data set, as prepare would read it; writes nothing
# make predict IN=new.csv OUT=labelled.csv [EACH=1 TEXT=column ABSTAIN=0.9]   label new texts with the trained model
# make model [OUT=folder PUSH=user/name]   the model as a folder to take away, or onto a hub
# make remote URL=...      share through a folder, s3://bucket/path or any other place that DVC knows
# make share [ALL=1]       push texts, labels, encoder, vectors and map; ALL=1: everything, the run-cache too
# make fetch               pull what the params of this checkout can use
# make clean-cache         forget the vectors kept from earlier runs of embed
.PHONY: repro overlay ask label answers find doubts waiting test quick test-browser bench check predict model remote share fetch clean-cache
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONSAFEPATH  # else `python -m stages` does not look for stages in this folder
PYTHON ?= python3
PIP = python -m pip install --quiet --disable-pip-version-check

repro: .venv/installed $(if $(WITH),overlay) check
	dvc repro
	@python -m stages waiting repro
	@dvc plots show --quiet && echo "Plots: $(CURDIR)/dvc_plots/index.html"
	@head -n 1 data/summary.md; echo "Report: $(CURDIR)/data/report.html"

ask: .venv/installed check
	@python -m stages ask "$$STAGE" "$$AGAIN" "$${FORMAT:-csv}" "$$PREDICT"

label: .venv/installed .venv/installed-label check
	@python -m stages label "$$WHO" "$$PORT"

answers: .venv/installed
	@python -m stages answers "$$FILE" "$$WHO"

find: .venv/installed
	@python -m stages find "$$WORDS" "$$STAGE" "$$MOST"

doubts: .venv/installed
	@python -m stages doubts "$$MOST"

waiting: .venv/installed
	@python -m stages waiting

test quick: .venv/installed .venv/installed-test
	ruff check .
	ruff format --check .
	pytest $(if $(filter quick,$@),-m "not dvc and not faults and not slow")

test-browser: .venv/installed .venv/installed-test
	BROWSER_WANTED=1 pytest --numprocesses=0 tests/test_browser.py tests/test_report_shown.py

bench: .venv/installed .venv/installed-bench
	QUICK=$(QUICK) python -m benchmarks $(NAMES)

overlay: .venv/installed
	@python -m stages overlay "$(WITH)"

check: .venv/installed
	@python -m stages check $(if $(filter command,$(origin DATA)),"$$DATA")

predict: .venv/installed
	@test -n "$$IN" || { echo "error: say what to label: make predict IN=new.csv OUT=labelled.csv"; exit 1; }
	@python -m stages predict $(if $(EACH),--each) $(if $(TEXT),--text "$$TEXT") $(if $(ABSTAIN),--abstain "$$ABSTAIN") -- "$$IN" "$$OUT"

model: .venv/installed
	@python -m stages model "$(if $(OUT),$$OUT)" "$(if $(PUSH),$$PUSH)"

remote: .venv/installed
	@test -n "$(URL)" || { echo "error: say where: make remote URL=/shared/folder or URL=s3://bucket/path"; exit 1; }
	dvc remote add --force --default storage "$(URL)"
	dvc remote modify storage verify true  # else an object that was cut short is taken for whole

share: .venv/installed
	@dvc push $(if $(ALL),--run-cache,prepare collect_answers finetune_encoder embed map reduce) || { echo "error: not pushed to $$(dvc remote list); mend that and try again, local work goes on"; exit 1; }

fetch: .venv/installed check
	@python -m stages fetch

clean-cache:  # but for .gleaner/answers, the second copy of what people answered
	@test ! -d "$${GLEANER_CACHE:-.gleaner}" || find "$${GLEANER_CACHE:-.gleaner}" -mindepth 1 -maxdepth 1 ! -name answers -exec rm -rf {} +

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python requirements.txt requirements-data.txt
	$(PIP) -r requirements.txt
	$(PIP) --no-deps -r requirements-data.txt
	@touch $@

.venv/installed-label: .venv/installed requirements-label.txt
	$(PIP) -r requirements-label.txt
	@touch $@

.venv/installed-bench: .venv/installed requirements-bench.txt requirements-tune.txt
	$(PIP) -r requirements-bench.txt
	@touch $@

.venv/installed-test: .venv/installed requirements-test.txt requirements-excel.txt requirements-label.txt requirements-ray.txt requirements-s3.txt requirements-tune.txt
	$(PIP) -r requirements-test.txt
	@touch $@

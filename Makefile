# make demo   the app on the shipped bundle, a recorded pile and a simulated machine
# make test   everything: tests on both runtimes, lint, types, import contracts
# make bench  the figures that are promised, measured
# make best PHOTOGRAPHS=DIR VALIDATION=DIR  render, train and export the shipped recipe; hours
# make trunk  the weights that training begins with, from their source again
# make prove-trainer  the figures of the trainer, measured; about 25 minutes
# make prove-bridge  the figures of the bridge, on executed firmware; about 5 minutes
# make prove-dashboard  the figures of the pages, on the running app; about 5 minutes
# make prove-explanations  the figures of the explanations, measured; about 25 minutes

PYTHON ?= python3
SYSTEM := deploy/apt-install.sh
ifeq ($(shell uname -m),armv7l)
LOCK :=
else
LOCK := -c deploy/locks/tested.txt
endif
PIP := -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-tflite bench best trunk prove-trainer prove-explanations prove-bridge prove-dashboard lint clean help
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

# ---- the device's packages only -------------------------------------------------------------
.venv-device/ready: pyproject.toml deploy/locks/tested.txt
	$(SYSTEM) python3-venv libgl1 libglib2.0-0
	$(PYTHON) -m venv .venv-device
	.venv-device/bin/python $(PIP) $(LOCK) -e '.[device]'
	touch $@

demo: .venv-device/ready
	.venv-device/bin/bricksight-edge run --config edge/demo/edge.toml

# ---- everything -----------------------------------------------------------------------------
.venv/ready: pyproject.toml deploy/locks/tested.txt
	$(SYSTEM) python3-venv libgl1 libglib2.0-0 libegl1 libgl1-mesa-dri chromium chromium-driver \
	    gcc-avr avr-libc arduino-core-avr simavr libsimavr-dev libelf-dev avrdude g++ mosquitto openssl socat
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP) $(LOCK) -e '.[dev]'
	touch $@

# ---- what judges the pages, in tests only ---------------------------------------------------
.npm/ready:
	deploy/npm-install.sh .npm axe-core@4.14.1
	touch $@

# ---- the device on tflite-runtime and numpy 1, as on 32-bit Raspberry Pi OS -----------------
.venv-tflite/ready: pyproject.toml deploy/locks/tflite.txt
	$(SYSTEM) python3-venv libgl1 libglib2.0-0
	$(PYTHON) -m venv .venv-tflite
	.venv-tflite/bin/python $(PIP) -r deploy/locks/tflite.txt
	.venv-tflite/bin/python $(PIP) --no-deps -e .
	touch $@

# ---- Cycles, in an environment of its own: TensorFlow wants a newer numpy -------------------
BLENDER := $(CURDIR)/.venv-render/bin/python
.venv-render/ready: deploy/locks/render.txt
	$(SYSTEM) python3-venv libgl1 libegl1 libsm6 libxi6 libxfixes3 libxkbcommon0 libxrender1 libxxf86vm1
	$(PYTHON) -m venv .venv-render
	.venv-render/bin/python $(PIP) -r deploy/locks/render.txt
	touch $@

# ---- the trunk's weights, once more from their source; torch is needed for nothing else -------
.venv-trunk/ready: deploy/locks/trunk.txt
	$(SYSTEM) python3-venv
	$(PYTHON) -m venv .venv-trunk
	.venv-trunk/bin/python $(PIP) -r deploy/locks/trunk.txt
	touch $@

trunk: .venv-trunk/ready
	.venv-trunk/bin/python -m trainer.convert_trunk --out trainer/trunk.npz \
	    --answers tests/golden/trunk.npz

# bpy has packages for these only; elsewhere pictures are drawn by the raster engine alone.
HAS_BLENDER := $(shell $(PYTHON) -c 'import platform, sys; \
    print("yes" if platform.machine() == "x86_64" and sys.version_info[:2] in ((3, 11), (3, 13)) else "no")')
ifeq ($(HAS_BLENDER),yes)
RENDER := .venv-render/ready
WITHOUT_BLENDER :=
else
RENDER :=
WITHOUT_BLENDER := --ignore tests/trainer/render/test_blender.py
endif

lint: .venv/ready
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

# tflite-runtime ended with Python 3.11; on a newer one only its successor can be tested.
OLD_RUNTIME := $(shell $(PYTHON) -c 'import sys; print("yes" if sys.version_info < (3, 12) else "no")')

test: lint test-tflite .npm/ready $(RENDER)
ifneq ($(HAS_BLENDER),yes)
	@echo "bpy has no package for this machine; its engine is not tested here"
endif
	BRICKSIGHT_BLENDER=$(BLENDER) .venv/bin/python -m pytest $(WITHOUT_BLENDER)

ifeq ($(OLD_RUNTIME),yes)
# The tests that call the runtime or do arithmetic with numpy 1; a call of the int8 model takes 26
# times as long with it on x86-64 as with LiteRT.
ON_TFLITE = $(addprefix tests/edge/, test_app.py test_arrival.py test_bundle.py \
    test_classifier.py test_families.py test_foreground.py test_imports.py test_interpreter.py test_kept_maps.py \
    test_label_cli.py test_look_at.py test_not_reported.py test_opening.py test_pictures.py \
    test_preprocessing.py test_region.py test_windows.py explain)

test-tflite: .venv-tflite/ready
	.venv-tflite/bin/python -m pytest -q -p no:cacheprovider $(ON_TFLITE)
else
test-tflite:
	@echo "tflite-runtime has no package for this Python; use PYTHON=python3.11 to test on it too"
endif

# ---- the shipped bundle's recipe, from rendering to the bundle ----------------------------------
# A call that was stopped goes on where it was. Twice TIMES is twice as long.
TIMES ?= 1
SINGLES ?= 6000
PILES ?= 1500
BEST := runs/best-data
TRAIN := .venv/bin/bricksight-trainer
best: .venv/ready
	@test -d "$(PHOTOGRAPHS)" -a -d "$(VALIDATION)" || { \
	    echo "make best PHOTOGRAPHS=DIR VALIDATION=DIR: folders of photographs of single bricks, each" \
	    "with a labels.csv; the first to train on, the other to choose thresholds on" >&2; exit 2; }
	$(TRAIN) render trainer/recipes/singles.toml --out $(BEST)/singles --count $(SINGLES)
	$(TRAIN) render trainer/recipes/piles.toml --engine raster --out $(BEST)/piles --count $(PILES)
	awk -v times=$(TIMES) '/^epochs = / { $$3 = int($$3 * times + 0.999) } 1' \
	    trainer/recipes/best.toml > $(BEST)/best.toml
	$(TRAIN) train $(BEST)/best.toml --run runs/best-$(TIMES) --data $(BEST)/piles \
	    --data $(BEST)/singles --data "$(PHOTOGRAPHS)"
	$(TRAIN) export runs/best-$(TIMES) --data $(BEST)/piles --out runs/best-$(TIMES)-bundle \
	    --quantise-on $(BEST)/singles --quantise-on "$(PHOTOGRAPHS)" \
	    --calibrate-on "$(VALIDATION)" --photographs validation="$(VALIDATION)"

# ---- figures --------------------------------------------------------------------------------
.venv-bench/ready: pyproject.toml deploy/locks/tested.txt deploy/locks/bench.txt
	$(SYSTEM) python3-venv libgl1 libglib2.0-0
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python $(PIP) -c deploy/locks/tested.txt -e '.[trainer]'
	.venv-bench/bin/python $(PIP) -c deploy/locks/tested.txt -r deploy/locks/bench.txt
	# Alone: what it asks for besides would bring a second OpenCV and a torch for CUDA.
	.venv-bench/bin/python $(PIP) --no-deps 'grad-cam>=1.5.5,<1.6'
	touch $@

bench: .venv-bench/ready .venv-device/ready
	.venv-bench/bin/python -m tests.bench

prove-trainer: .venv/ready $(RENDER)
	BRICKSIGHT_BLENDER=$(BLENDER) .venv/bin/python -m tests.prove $(PROVE)

prove-bridge: .venv/ready
	.venv/bin/python -m tests.prove.bridge $(PROVE)

prove-dashboard: .venv/ready
	.venv/bin/python -m tests.prove.dashboard $(PROVE)

prove-explanations: .venv/ready
	.venv/bin/python -m tests.prove.explaining $(PROVE)

clean:
	rm -rf .npm .venv .venv-render .venv-trunk .venv-device .venv-tflite .venv-bench build *.egg-info

# make demo: a real sweep on real speech.  make test: all tests.  Both set themselves up, and do no work twice.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test check page bench bench-cluster bench-search three-nodes screenshots chaos teacher clean

demo: $(STAMP)
	$(BIN)/dfkd data demo
	@if [ -f runs/demo/sweep.yaml ]; then $(BIN)/dfkd sweep resume runs/demo; \
	else $(BIN)/dfkd sweep run sweeps/specs/demo.yaml --out runs/demo; fi
	@$(BIN)/dfkd front references runs/demo gtcrn dtln rnnoise

# First those that start neither Ray nor a browser, two at a time, each worker a half and then what is left of the
# other's; then the others, which mostly wait, three at a time, file by file, those that take longest first
# (tests/conftest.py).
QUIET := $(addprefix tests/,conformance dfkd_core search_spaces sweeps/comparing sweeps/definition sweeps/fronts sweeps/page sweeps/search sweeps/trust)
test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=15 $(QUIET)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=25 $(addprefix --ignore=,$(QUIET))

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory page
	@$(MAKE) --no-print-directory test

# The page's scripts, formatted and linted; without node this is passed over, but never in CI.
BIOME := @biomejs/biome@2.6.8
page:
	@if command -v npx >/dev/null; then (cd sweeps/page && npx --yes $(BIOME) ci .); \
	elif [ -n "$$CI" ]; then echo 'make page: CI needs node: apt-get install npm' >&2; exit 1; \
	else echo 'make page: skipped, since there is no node on this machine'; fi

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# 64 workers on four Ray nodes of this machine (12 GiB), then 16 nodes that come and go: a quarter of an hour
bench-cluster: $(STAMP)
	$(BIN)/python -m benchmarks cluster_scale

# `dfkd sweep submit` on three nodes (network namespaces), one of which dies; as root, after pip install '.[cluster]'
three-nodes: $(STAMP)
	$(BIN)/python -m benchmarks.three_nodes runs/three-nodes

# Searches compared on a simulated clock; interrupted, it goes on. BENCH_SYNE_TUNE and BENCH_NEPS name the Pythons of peers.
BENCH_SYNE_TUNE ?=
BENCH_NEPS ?=
bench-search: $(STAMP)
	OMP_NUM_THREADS=1 BENCH_SYNE_TUNE=$(BENCH_SYNE_TUNE) BENCH_NEPS=$(BENCH_NEPS) $(BIN)/python -m benchmarks.search $(ARGS)

# of the demo, and of its comparison with a sweep of random starts without a teacher
screenshots: $(STAMP) demo
	@if [ ! -f runs/plain/sweep.yaml ]; then \
	$(BIN)/dfkd sweep run sweeps/specs/plain.yaml --out runs/plain; fi
	$(BIN)/python docs/screenshots.py runs/demo docs/pictures runs/plain

# make teacher MODEL=conv_tasnet CORPUS=/data/corpus: one of our own teachers, in two stages; an interrupted one goes on
MODEL ?= dccrn
CORPUS ?= $(or $(DFKD_BENCH),demo)
PLACE = $(if $(filter demo,$(CORPUS)),demo,$(abspath $(CORPUS)))
teacher: $(STAMP)
	$(BIN)/dfkd train sweeps/specs/configs/teachers/$(MODEL).yaml --out models/teachers/$(MODEL)_first --set data.corpus=$(PLACE)
	$(BIN)/dfkd train sweeps/specs/configs/teachers/$(MODEL)_refined.yaml --out models/teachers/$(MODEL) \
	--set data.corpus=$(PLACE) --set training.start_from=$(CURDIR)/models/teachers/$(MODEL)_first
	$(BIN)/dfkd evaluate models/teachers/$(MODEL)

chaos: $(STAMP)
	$(BIN)/python -m benchmarks.chaos

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch==2.13.0 --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist *.egg-info

# `make study` and `make test` set up all they need on a machine that has only Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

# Real cohorts, where they lie beside the checkout; tests that need them skip without them.
LEUKOTYPE_DATA ?= $(realpath ../shared/data)
ifneq ($(LEUKOTYPE_DATA),)
export LEUKOTYPE_DATA
endif

# Several test processes share the cores: threads of linear algebra would wait for each other.
test-fast test-slow: export OMP_NUM_THREADS = 1

.PHONY: study test test-fast test-slow lint format lock clean
study: $(STAMP)
	$(BIN)/leukotype study --out runs/study --overwrite $(ARGS)

test: test-fast test-slow

test-fast: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" $(ARGS)

test-slow: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The lock omits NVIDIA's communication library (300 MB), which XGBoost's wheels require and a CPU never loads.
# Hence --no-deps. The lock lists every other package, with hashes.
$(STAMP): pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# One version of each package for Python 3.11 and later, so that predictions do not depend on the Python.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --fork-strategy fewest \
	  --generate-hashes --no-emit-index-url --output-file requirements.lock --quiet

clean:
	rm -rf .venv runs

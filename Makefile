# Everything a fresh machine needs is Python 3.11 to 3.13 and make; a C compiler is used where there is one.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     ?= uv
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
LOCK    = $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet \
          --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
KERNEL := $(wildcard crypto/tallystick/crypto/*.c)

.PHONY: demo test test-slow check lint lock proto proto-drift native bench clean

demo: $(VENV)/.run ## a made-up county of three agencies, two questions, on this machine
	@$(BIN)/tally demo

test: $(VENV)/.dev ## what every change must pass; under ten minutes on two cores
	$(BIN)/python -m pytest -q -m "not slow"

test-slow: $(VENV)/.dev ## what takes longer
	$(BIN)/python -m pytest -q -m slow

check: lint proto-drift ## style, types, layers, generated code, docs
	$(BIN)/python -m pytest -q tests/meta tests/docs

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH=$(abspath $(BIN)):$$PATH lint-imports

proto: $(VENV)/.dev ## generate the wire's Python from proto/
	PATH=$(abspath $(BIN)):$$PATH $(BIN)/python -m grpc_tools.protoc -I proto --python_out=proto --grpc_python_out=proto \
	  --mypy_out=quiet:proto --mypy_grpc_out=quiet:proto proto/tallystick/v1/*.proto

proto-drift: proto
	git diff --exit-code -- proto

bench: $(VENV)/.dev ## measure, and write docs/benchmarks.md
	$(BIN)/python benchmarks/run.py

native: $(VENV)/.run ## build the native kernel, or fail
	TALLY_REQUIRE_NATIVE=1 $(BIN)/python -m hatchling build -t wheel --hooks-only

lock: ## resolve again; only this needs uv
	$(LOCK) --group dev --all-extras -o requirements-dev.lock
	$(LOCK) --group build -c requirements-dev.lock -o requirements.lock
	@! grep -nE 'https?:|^--(extra-)?index|^--find-links|file:' requirements*.lock

$(VENV)/.run: requirements.lock pyproject.toml hatch_build.py $(KERNEL)
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"error: Python 3.11, 3.12 or 3.13 is needed, this is {v[0]}.{v[1]}\nhint: make PYTHON=/path/to/python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --only-binary :all: --require-hashes -r requirements.lock
	$(PIP) --no-index --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(PIP) --only-binary :all: --require-hashes -r requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis crypto/tallystick/crypto/*.so

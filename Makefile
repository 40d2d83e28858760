# Everything a fresh machine needs is Python 3.11 to 3.13 and make; a C compiler is used where there is one.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     ?= uv
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
LOCK    = $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet \
          --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
KERNEL := $(wildcard crypto/tallystick/crypto/*.c crypto/tallystick/crypto/*.h)

# some machines tell Python to keep no compiled modules; each of the many processes of a test would then compile all of them again
export PYTHONDONTWRITEBYTECODE :=

# Whole networks in one process, with servers and channels that end beside others that begin. In two of four runs of all tests the process
# crashed there, in a native thread that is none of Python's (gRPC's, most likely; not found yet), and in none of twenty-three runs of some of them by themselves.
# So these tests have processes of their own, and where any fails all of them run once more, one after another: what fails again is a failure.
# Workers are not started again: after a crash the runner would wait forever for tests that it gave to nobody.
PARALLEL    = -n auto --dist loadfile --max-worker-restart 0
UNITS       = $(BIN)/python -m pytest -q -m "not slow" --ignore tests/integration --ignore tests/e2e --ignore tests/meta --ignore tests/docs
INTEGRATION = $(BIN)/python -m pytest -q -m "not slow" tests/integration
NETWORKS    = $(BIN)/python -m pytest -q -m "not slow" tests/e2e
# Real processes and browsers wait for each other, on machines that may be busy: what fails (1) runs once more by itself, and what fails twice is
# a failure. A run that ended for another reason, such as a crash, has not run everything, and is a failure at once.
AGAIN       = --last-failed --last-failed-no-failures none

.PHONY: demo test test-networks test-slow test-wheels check lint lock proto proto-drift native sanitize bench soak image test-containers clean

demo: $(VENV)/.run ## a made-up county of three agencies, three questions, on this machine
	@$(BIN)/tally demo

test: $(VENV)/.dev ## what every change must pass beside check, in less than ten minutes on two cores
	$(UNITS) $(PARALLEL) || { [ $$? = 1 ] && $(UNITS) $(AGAIN); }
	$(INTEGRATION) $(PARALLEL) || $(INTEGRATION)

test-networks: $(VENV)/.dev ## whole networks of processes on this machine: kills, full disks, pages of docs as they are typed; five to eight minutes
	$(NETWORKS) $(PARALLEL) || { [ $$? = 1 ] && $(NETWORKS) $(AGAIN); }

test-slow: $(VENV)/.dev ## what takes longer
	$(BIN)/python -m pytest -q $(PARALLEL) -m slow

test-wheels: $(VENV)/.dev ## the source distribution and both wheels as a user's machine makes them, and the kernel on other processors; pip fetches
	TALLY_ISOLATED=1 $(BIN)/python -m pytest -q tests/packaging tests/unit/crypto/test_kernel_processors.py

check: lint proto-drift ## style, types, layers, generated code, docs
	$(BIN)/python -m pytest -q -m "not slow" tests/meta tests/docs

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

MINUTES ?= 240
soak: $(VENV)/.dev ## break a network for four hours, or MINUTES, and write docs/reliability.md
	$(BIN)/python -m benchmarks.reliability soak --minutes $(MINUTES)

native: $(VENV)/.run ## build the native kernel, or fail
	TALLY_REQUIRE_NATIVE=1 $(BIN)/python -m hatchling build -t wheel --hooks-only

SANITIZED := build/sanitize
sanitize: $(VENV)/.dev ## the kernel's tests under the address and undefined-behaviour sanitizers, in a copy
	rm -rf $(SANITIZED) && mkdir -p $(SANITIZED) && cp -r crypto hatch_build.py pyproject.toml README.md LICENSE $(SANITIZED)
	cd $(SANITIZED) && CC=gcc CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all" \
	  TALLY_REQUIRE_NATIVE=1 $(abspath $(BIN))/python -m hatchling build -t wheel --hooks-only
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" ASAN_OPTIONS=detect_leaks=0 \
	  UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc PYTHONPATH=$(abspath $(SANITIZED))/crypto \
	  $(BIN)/python -m pytest -q -m "not slow" tests/unit/crypto/test_kernel.py tests/unit/crypto/test_kernel_native.py

ENGINE ?= podman
IMAGE  ?= tallystick
image: ## the container image of every party
	$(ENGINE) build $(BUILD_FLAGS) -f compose/Dockerfile -t $(IMAGE) $(if $(BASE),--build-arg BASE=$(BASE)) .

test-containers: $(VENV)/.dev ## a network of containers from IMAGE answers a question, without privileges
	CONTAINER_ENGINE=$(ENGINE) TALLY_IMAGE=$(IMAGE) $(BIN)/python -m pytest -q -m slow tests/containers

lock: ## resolve again; only this needs uv
	$(LOCK) --group dev --all-extras -o requirements-dev.lock
	$(LOCK) --group build --extra cluster --extra oidc --extra pages --extra plots --extra postgresql --extra s3 --extra xlsx -c requirements-dev.lock -o requirements.lock
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

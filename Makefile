# `make demo` and `make test` are the whole set-up: each builds what it needs, once.
PY ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
B := .venv/bin
# On two cores a third worker gains nothing: the cores are never idle, and some tests wait too long.
TEST_WORKERS ?= 2
IN_PARALLEL := -n $(TEST_WORKERS) --dist loadgroup --no-loadscope-reorder
BENCHMARKS ?= plan controller submit launch

export UV_SYSTEM_CERTS := true
# Without compiled modules the first start of Ray's processes can miss its own time limit.
export UV_COMPILE_BYTECODE := 1
# Images often set it; then each worker, and each `brain` that it starts, compiles all of it again.
unexport PYTHONDONTWRITEBYTECODE

# A virtual environment knows its own path: one that was moved or copied is built afresh.
$(shell [ ! -e .venv/.ok ] || [ "$$(cat .venv/.ok)" = "$(CURDIR)" ] || rm -rf .venv)

.PHONY: demo test test-all test-tools focus-check check format docs lock mutants bench stress clean

demo: .venv/.ok
	$(B)/brain demo

test: .venv/.ok test-tools
	$(B)/pytest $(IN_PARALLEL)

test-all: .venv/.ok test-tools
	$(B)/pytest $(IN_PARALLEL) -m "" --hypothesis-profile=at-length

test-tools:
	deploy/install-test-tools

focus-check: .venv/.ok
	deploy/install-focus-validator
	$(B)/pytest -m "" tests/acceptance/test_focus_validator.py

check: .venv/.ok
	$(B)/ruff format --check
	$(B)/ruff check
	$(B)/mypy
	$(B)/lint-imports

format: .venv/.ok
	$(B)/ruff format
	$(B)/ruff check --fix

docs: .venv/.ok
	$(B)/python -m docs.references

# uv comes first, by its own locked lines, and installs the rest.
.venv/.ok: requirements.lock
	@[ -n "$(PY)" ] || { echo "no Python 3.11 or newer on PATH: install one, or name it: make PY=/path/to/python"; exit 1; }
	$(PY) -m venv .venv
	@awk '/^[^ ]/ { on = /^uv==/ } on' requirements.lock > .venv/uv.lock
	$(B)/python -m pip install -q --require-hashes -r .venv/uv.lock
	$(B)/uv pip install -q --require-hashes -r requirements.lock
	$(B)/uv pip install -q --no-deps --no-build-isolation -e .
	@printf '%s' "$(CURDIR)" > $@

lock:
	$(B)/uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate -o requirements.lock

mutants: .venv/.ok
	$(B)/python -m tests.mutants --seen .mutants_seen

bench: .venv/.ok
	@for name in $(BENCHMARKS); do $(B)/python -m benchmarks $$name || exit 1; done

stress: .venv/.ok test-tools
	@for run in 1 2 3 4 5 6 7 8 9 10; do echo "run $$run of 10"; \
		$(B)/pytest -q $(IN_PARALLEL) || exit 1; done

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis htmlcov .coverage* .mutants_seen

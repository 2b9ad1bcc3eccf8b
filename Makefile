# Two commands matter: `make demo` and `make test`. Both need Python 3.11 or newer and nothing else;
# every package is pinned with its hash, and pip's and uv's own index settings are respected.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: demo test check bench soak check-mutants messages lock help

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
BIN := .venv/bin
CATALOGUES := $(wildcard forum/translations/*/LC_MESSAGES/*.po plugins/*/translations/*/LC_MESSAGES/*.po)
TRANSLATED := forum $(patsubst %/translations,%,$(wildcard plugins/*/translations))

# uv installs faster than pip but does not read pip's settings: hand it pip's index when nobody
# chose one for uv, and let pip itself do the work where uv cannot.
define install
index="$${PIP_INDEX_URL:-$$($(BIN)/pip config get global.index-url 2>/dev/null)}"; \
if [ -n "$$index" ] && [ -z "$$UV_DEFAULT_INDEX$$UV_INDEX_URL" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
$(BIN)/uv pip install --python $(BIN)/python --quiet $(1) || $(BIN)/pip install --quiet $(1)
endef

demo: .venv/.demo .venv/.catalogues  ## Serve a realistic site to try, with people to sign in as (ARGS="…" for options).
	$(BIN)/callboard demo $(ARGS)

test: check .venv/.catalogues  ## Check the code, then run every test that finishes within minutes.
	$(BIN)/pytest -n 2 --dist loadgroup -q tests --ignore=tests/soak

check: .venv/.test  ## Look for faults without running anything: style, types, layers, templates, packages.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/djlint templates plugins --lint --quiet
	$(BIN)/deptry .

bench: .venv/.test .venv/.catalogues  ## Measure what a page costs, as a table of ratios.
	$(BIN)/python -m bench $(ARGS)

soak: .venv/.test .venv/.catalogues  ## Run the long tests: kills, floods, random requests.
	$(BIN)/pytest -q tests/soak

check-mutants: .venv/.test .venv/.catalogues  ## Break rules and sealing on purpose and see that a test notices.
	$(BIN)/python -m tests.mutants $(ARGS)

EXTRACT = $(BIN)/pybabel --quiet extract --keywords lazy_gettext --sort-by-file --no-location --project Callboard
UPDATE = $(BIN)/pybabel --quiet update --no-fuzzy-matching --ignore-pot-creation-date --input-file
messages: .venv/.test  ## Gather every text people read into the translations, for translators to fill in.
	$(EXTRACT) --mapping babel.cfg --output .venv/messages.pot .
	$(UPDATE) .venv/messages.pot --output-dir forum/translations
	@for plugin in $(wordlist 2,99,$(TRANSLATED)); do \
		$(EXTRACT) --mapping babel-plugin.cfg --output .venv/plugin.pot $$plugin \
		&& $(UPDATE) .venv/plugin.pot --output-dir $$plugin/translations; done

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --extra postgres --extra redis --group build
lock: .venv/.uv  ## Pin the newest versions pyproject.toml allows, with hashes (UPGRADE= keeps what still fits).
	$(COMPILE) $(UPGRADE) pyproject.toml --output-file requirements.lock
	$(COMPILE) $(UPGRADE) --group test --constraint requirements.lock pyproject.toml --output-file requirements-test.lock
UPGRADE ?= --upgrade

help:  ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r target sentence; \
	do printf '  make %-14s %s\n' "$$target" "$$sentence"; done

# --- the environment: each stamp file says that its part is installed ------------------------------

.venv/.made:
	@[ -n "$(PYTHON)" ] || { echo 'Callboard needs Python 3.11 or newer with its venv module.' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.uv: .venv/.made requirements-uv.lock
	@$(BIN)/pip install --quiet --require-hashes -r requirements-uv.lock
	@touch $@

.venv/.demo: .venv/.uv requirements.lock pyproject.toml hatch_build.py
	@$(call install,--require-hashes -r requirements.lock)
	@$(call install,--no-deps --no-build-isolation -e .)
	@touch $@

.venv/.test: .venv/.demo requirements-test.lock
	@$(call install,--require-hashes -r requirements-test.lock)
	@touch $@

.venv/.catalogues: .venv/.demo $(CATALOGUES)
	@for part in $(TRANSLATED); do $(BIN)/pybabel --quiet compile --directory $$part/translations; done
	@touch $@

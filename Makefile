# `make run` starts the portal, `make test` checks everything; `make help` lists the other targets.

PORT ?= 8000
DOCKER ?= docker
PYTHON ?= $(firstword $(shell command -v python3.11 python3 python))

VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/ready-to-run
TEST_READY := $(VENV)/ready-to-test
NODE_READY := tests/interop/node_modules/.package-lock.json
PYTEST := $(BIN)/python -m pytest -q -p no:cacheprovider
WITH_POSTGRES := $(BIN)/python tests/postgres.py
# Outside test-results, which the browser tests empty.
REPORTS := build/reports
JUNIT = --junitxml=$(REPORTS)/$@.xml

# If PYTHON is given and the virtual environment has another version, create it again.
ifeq ($(origin PYTHON),command line)
ifneq ($(shell $(PYTHON) -V 2>&1),$(shell $(BIN)/python -V 2>&1))
$(shell rm -f $(VENV)/pyvenv.cfg $(RUN_READY) $(TEST_READY))
endif
endif

# Each suite starts dozens of Python processes, which would compile every module again.
export PYTHONDONTWRITEBYTECODE :=

# `test` skips exhaustive tests, which `test-all` runs; a smaller test of a few cases is beside each.
CHOSEN := -m "not exhaustive"

.DEFAULT_GOAL := help
.PHONY: help run dev passwords test test-all test-sqlite quick suites lint format docs lock programs \
	check-format check-lint check-words check-templates check-types check-imports check-migrations check-deploy \
	unit db pages smoke browser interop ops test-verifiers drill test-image
.DELETE_ON_ERROR:

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | expand -t 14

# --- Running -------------------------------------------------------------------------------------

run: $(RUN_READY) ## Start the portal on http://localhost:8000 (another port: make run PORT=8001)
	@$(BIN)/python -m portal.demo --port $(PORT)

dev: $(RUN_READY) ## Start the portal for development, with reload and Django's debug page
	@$(BIN)/python -m portal.demo --dev --port $(PORT)

passwords: $(RUN_READY) ## Give the demo's developer and admin new passwords
	@$(BIN)/python -m portal.demo --new-passwords

# --- Installing ----------------------------------------------------------------------------------
# The stamp files record what is installed. Once the tests are installed, a changed requirements
# file updates both sets, so `make run` never uninstalls what `make test` needs.

# uv takes seconds, pip takes a minute. If uv fails, pip installs the same files with the same
# hashes. --system-certs: many companies have certificates of their own.
INSTALL = $(BIN)/uv pip sync --quiet --system-certs --python $(BIN)/python --require-hashes requirements-uv.txt requirements.txt $(1) \
	|| $(PIP) -r requirements.txt $(1:%=-r %)
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "The portal needs Python 3.11 or newer, but PATH has no Python."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "The portal needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0] + ". Choose another one: make PYTHON=/path/to/python3.11")'
	@echo "Creating a virtual environment in $(VENV) …"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
		echo "The virtual environment could not be created. On Debian and Ubuntu run: sudo apt-get install python3-venv"; exit 1; }

$(RUN_READY): requirements-uv.txt requirements.txt | $(VENV)/pyvenv.cfg
	@echo "Installing what the portal needs …"
	@$(PIP) -r requirements-uv.txt || echo "uv cannot be installed here; pip takes a minute instead."
	@$(call INSTALL,$(if $(wildcard $(TEST_READY)),requirements-dev.txt))
	@touch $@

$(TEST_READY): requirements-dev.txt $(RUN_READY)
	@echo "Installing what the tests need …"
	@$(call INSTALL,requirements-dev.txt)
	@touch $@

$(NODE_READY): tests/interop/package.json tests/interop/package-lock.json | $(TEST_READY)
	@echo "Installing the verifiers from npm …"
	@cd tests/interop && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@

# External programs and files for the tests, and the Debian packages that contain them. The whole
# Chromium is as good as its headless shell, but takes three times as long.
PROGRAMS := apache2=apache2-bin chromium-headless-shell=chromium-headless-shell curl=curl nginx=nginx-light openssl=openssl pgbouncer=pgbouncer \
	ssh-keygen=openssh-client wrk=wrk /usr/lib/apache2/modules/mod_oauth2.so=libapache2-mod-oauth2
browser suites: PROGRAMS += Xvfb=xvfb WebKitWebDriver=webkit2gtk-driver firefox-esr=firefox-esr
test-verifiers: PROGRAMS += go=golang-go java=default-jdk-headless \
	/usr/share/gocode/src/github.com/golang-jwt/jwt=golang-github-golang-jwt-jwt-dev \
	/usr/share/gocode/src/gopkg.in/square/go-jose.v2=golang-gopkg-square-go-jose.v2-dev

programs:
	@PATH="$$PATH:/usr/sbin"; missing=; for each in $(PROGRAMS); do command -v "$${each%=*}" >/dev/null || [ -e "$${each%=*}" ] || missing="$$missing $${each#*=}"; done; \
		[ -z "$$missing" ] || { echo "Installing$$missing …"; \
		$$([ "$$(id -u)" = 0 ] || echo sudo -n) sh -ec "apt-get -qq update; apt-get -qqy install --no-install-recommends$$missing" >/dev/null; } \
		|| { [ "$$missing" = " chromium-headless-shell" ] && command -v chromium >/dev/null; } \
		|| { echo "The tests need these Debian packages; please install them:$$missing"; exit 1; }

# --- Checking ------------------------------------------------------------------------------------

# Checks that take a second come first; suites and the other checks then run in parallel. Suites
# wait for servers much of the time, so there are two more than there are processors.
CHECKS_OF_A_SECOND := check-format check-lint check-words check-templates
JOBS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 2)))

test: $(NODE_READY) ## Run all checks and tests (another Python: make test PYTHON=python3.13)
	@rm -rf $(REPORTS)
	@$(MAKE) --no-print-directory -j$(JOBS) $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) $(CHECKS_OF_A_SECOND) suites quick
	@$(BIN)/python tests/total.py $(REPORTS) unit db pages smoke browser interop ops

test-all: ## Run all checks and tests with all cases, and all database tests on SQLite
	@STRUCTURES=3000 ALL_RULES=1 $(MAKE) --no-print-directory test CHOSEN=
	@$(MAKE) --no-print-directory test-sqlite

# SQLite is only for trying the portal out, so `test` runs only a subset of these.
test-sqlite: $(TEST_READY) programs ## Run all database tests on SQLite, without the PostgreSQL-only tests
	@echo "Database tests on SQLite"
	@DATABASE_URL=sqlite://:memory: $(PYTEST) $(JUNIT) tests/db -m "not postgresql"

quick: check-format check-lint check-words check-templates check-types check-imports check-migrations check-deploy
# First those that wait most, then those that only compute, so that no processor is ever idle.
# Their packages are installed before: make starts a target that has to wait for something last.
suites: ops interop browser db pages check-types unit smoke

check-format: $(TEST_READY)
	@echo "Format: ruff format"
	@$(BIN)/ruff format --quiet --check . || { echo "To fix this, run: make format"; exit 1; }

check-lint: $(TEST_READY)
	@echo "Lint: ruff check"
	@$(BIN)/ruff check --quiet .

# words.txt lists phrases to avoid, with their replacement; `-` is codespell's own dictionary.
check-words: $(TEST_READY)
	@echo "Words: codespell"
	@phrases=$$(sed 's/->.*//' words.txt | paste -sd '|') && git ls-files -co --exclude-standard -z ':!words.txt' ':!tests/cases/forms' \
		| xargs -0 $(BIN)/codespell --dictionary - --dictionary words.txt --ignore-words-list gost,ture \
		--regex "\b($$phrases)\b|[\w'’-]+"

check-templates: $(TEST_READY)
	@echo "Templates: djade"
	@git ls-files -co --exclude-standard -z 'templates/*.html' | xargs -0 $(BIN)/djade --target-version 5.2 --check

check-types: $(TEST_READY)
	@echo "Types: mypy"
	@$(BIN)/mypy --no-error-summary

check-imports: $(TEST_READY)
	@echo "Imports: import-linter"
	@report=$$($(BIN)/lint-imports --no-cache) || { echo "$$report"; exit 1; }

check-migrations: $(TEST_READY)
	@echo "Migrations: models and migrations agree"
	@DJANGO_SETTINGS_MODULE=tests.settings DATABASE_URL=sqlite://:memory: \
		$(BIN)/python manage.py makemigrations --check --dry-run >/dev/null \
		|| { echo "A model has changed without a migration. Run: manage.py makemigrations"; exit 1; }

# Production settings: only these variables, nothing from the caller's environment.
check-deploy: $(TEST_READY)
	@echo "Production settings: manage.py check --deploy"
	@env -i PATH="$$PATH" SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(48))')" \
		PUBLIC_URL=https://keys.example.com ALLOWED_HOSTS=keys.example.com EMAIL_URL=smtp+tls://mail.example.com:587 \
		DATABASE_URL=postgresql://portal@localhost/portal PYTHONWARNINGS=error \
		$(BIN)/python manage.py check --deploy --fail-level WARNING >/dev/null

unit: $(TEST_READY) programs ## Test the core, without a database
	@echo "Unit tests"
	@DATABASE_URL=sqlite://:memory: $(PYTEST) $(JUNIT) $(CHOSEN) tests/unit

PAGES := tests/db/accounts tests/db/console tests/db/web

db: $(TEST_READY) programs ## Test the registry and the endpoints on PostgreSQL, which it starts
	@echo "Database tests on PostgreSQL"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) $(CHOSEN) tests/db $(PAGES:%=--ignore=%)

pages: $(TEST_READY) programs ## Test the pages on PostgreSQL
	@echo "Tests of pages on PostgreSQL"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) $(CHOSEN) $(PAGES)

smoke: $(TEST_READY) programs ## Test migrations, triggers, the ledger and each page on SQLite
	@echo "Database tests on SQLite, a subset"
	@DATABASE_URL=sqlite://:memory: $(PYTEST) $(JUNIT) tests/db -m "sqlite and not postgresql"

browser: $(TEST_READY) programs ## Test the pages in a browser
	@echo "Browser tests"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) $(CHOSEN) tests/browser

interop: $(TEST_READY) $(NODE_READY) programs ## Test with real peers: PyJWT, joserfc, jose, oidc-provider, nginx, Envoy, Apache
	@echo "Interop tests"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) $(CHOSEN) tests/interop

ops: $(TEST_READY) programs ## Test settings, demo, image commands, manifests and documents
	@echo "Operations tests"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) $(CHOSEN) tests/ops

# The Java library is inside the sources of PySpark: one download of 750 MB for two jars of 30 MB.
VERIFIERS := build/verifiers
NIMBUS := $(VERIFIERS)/nimbus-9.8.1.jar $(VERIFIERS)/nimbus-9.37.2.jar

$(VERIFIERS)/%.jar: tests/verifiers/%.txt | $(TEST_READY)
	@echo "Fetching $* …"
	@rm -rf $@.d && mkdir -p $@.d
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --require-hashes -r $< -d $@.d
	@tar -xzf $@.d/*.tar.gz -C $@.d --wildcards --strip-components=3 '*/deps/jars/hadoop-client-runtime-*.jar'
	@mv $@.d/hadoop-client-runtime-*.jar $@ && touch $@ && rm -r $@.d

test-verifiers: $(TEST_READY) $(NIMBUS) programs ## Test our programs and verification in Go and Java (750 MB, not part of test)
	@echo "Tests with Go and Java"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) tests/verifiers

drill: $(TEST_READY) ## Kill workers and the database during writes; check that no acknowledged write is lost
	@$(BIN)/python tests/chaos/crash.py
	@$(BIN)/python tests/chaos/token_crash.py

test-image: $(TEST_READY) ## Build the image, run compose.yaml, kill and replace its services (without Docker: DOCKER=podman)
	@DOCKER="$(DOCKER)" $(BIN)/python -u -m tests.chaos.image

# --- Changing ------------------------------------------------------------------------------------

lint: check-lint check-words check-templates check-types check-imports ## Check the code without running it

format: $(TEST_READY) ## Format code and templates
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .
	@git ls-files -co --exclude-standard -z 'templates/*.html' | xargs -0 $(BIN)/djade --target-version 5.2

docs: $(RUN_READY) ## Write the table of settings in the README from portal/settings.py
	@$(BIN)/python docs/settings_table.py

# No header and no index: the output contains hashes and no host name.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

lock: $(RUN_READY) ## Compile the requirements (newest allowed versions: make lock UPGRADE=--upgrade)
	@for name in requirements-uv requirements requirements-tracing requirements-dev; do \
		$(COMPILE) $(UPGRADE) $$name.in -o $$name.txt || exit 1; done

# `make run` tries the portal out, `make test` checks everything; `make help` lists the rest.

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
# Not in test-results, which the browser tests empty.
REPORTS := build/reports
JUNIT = --junitxml=$(REPORTS)/$@.xml

# A Python that is named makes the virtual environment again when that has another one.
ifeq ($(origin PYTHON),command line)
ifneq ($(shell $(PYTHON) -V 2>&1),$(shell $(BIN)/python -V 2>&1))
$(shell rm -f $(VENV)/pyvenv.cfg $(RUN_READY) $(TEST_READY))
endif
endif

.DEFAULT_GOAL := help
.PHONY: help run passwords test quick suites lint format lock programs \
	check-format check-lint check-words check-templates check-types check-imports check-migrations check-deploy \
	unit db smoke browser interop ops test-verifiers drill test-image
.DELETE_ON_ERROR:

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | expand -t 14

# --- Trying out ----------------------------------------------------------------------------------

run: $(RUN_READY) ## Start the portal on http://localhost:8000 (another port: make run PORT=8001)
	@$(BIN)/python -m portal.demo --port $(PORT)

passwords: $(RUN_READY) ## Give the demo's developer and admin new passwords
	@$(BIN)/python -m portal.demo --new-passwords

# --- Installing ----------------------------------------------------------------------------------
# The stamps remember what the virtual environment is for: once the tests have been there, a changed
# requirements file brings both sets up to date, so that `make run` never takes away what `make test` needs.

# uv takes seconds where pip takes a minute; where it cannot, pip does the same with the same hashes. The certificates
# are those of the system, as many companies have their own.
INSTALL = $(BIN)/uv pip sync --quiet --system-certs --python $(BIN)/python --require-hashes requirements-uv.txt requirements.txt $(1) \
	|| $(PIP) -r requirements.txt $(1:%=-r %)
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "The portal needs Python 3.11 or newer, and there is no Python on PATH."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "The portal needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0] + ". Name another one: make PYTHON=/path/to/python3.11")'
	@echo "Making a virtual environment in $(VENV) …"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
		echo "That did not work. On Debian and Ubuntu it takes: sudo apt-get install python3-venv"; exit 1; }

$(RUN_READY): requirements-uv.txt requirements.txt | $(VENV)/pyvenv.cfg
	@echo "Installing what the portal needs …"
	@$(PIP) -r requirements-uv.txt || echo "uv cannot be installed here; pip goes on alone and takes a minute."
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

# The programs and files of others that we are tested against, and the Debian packages that bring them.
PROGRAMS := apache2=apache2-bin chromium=chromium curl=curl nginx=nginx-light openssl=openssl pgbouncer=pgbouncer \
	ssh-keygen=openssh-client wrk=wrk /usr/lib/apache2/modules/mod_oauth2.so=libapache2-mod-oauth2
test-verifiers: PROGRAMS += go=golang-go java=default-jdk-headless \
	/usr/share/gocode/src/github.com/golang-jwt/jwt=golang-github-golang-jwt-jwt-dev \
	/usr/share/gocode/src/gopkg.in/square/go-jose.v2=golang-gopkg-square-go-jose.v2-dev

programs:
	@PATH="$$PATH:/usr/sbin"; missing=; for each in $(PROGRAMS); do command -v "$${each%=*}" >/dev/null || [ -e "$${each%=*}" ] || missing="$$missing $${each#*=}"; done; \
		[ -z "$$missing" ] || { echo "Installing$$missing …"; \
		$$([ "$$(id -u)" = 0 ] || echo sudo -n) sh -ec "apt-get -qq update; apt-get -qqy install --no-install-recommends$$missing" >/dev/null; } \
		|| { echo "The tests need these programs; please install them:$$missing"; exit 1; }

# --- Checking ------------------------------------------------------------------------------------

# What takes seconds comes first and one by one; the suites then share the processors.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

test: ## Check everything, and say with which Python (another one: make test PYTHON=python3.13)
	@rm -rf $(REPORTS)
	@$(MAKE) --no-print-directory quick
	@$(MAKE) --no-print-directory -j$(JOBS) $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) suites
	@$(BIN)/python tests/total.py $(REPORTS) unit db smoke browser interop ops

quick: check-format check-lint check-words check-templates check-types check-imports check-migrations check-deploy
suites: unit browser db ops interop smoke

check-format: $(TEST_READY)
	@echo "Format: ruff format"
	@$(BIN)/ruff format --quiet --check . || { echo "make format  mends this."; exit 1; }

check-lint: $(TEST_READY)
	@echo "Lint: ruff check"
	@$(BIN)/ruff check --quiet .

# words.txt has what is not plain English, with what to write instead; `-` is the package's list of misspellings.
check-words: $(TEST_READY)
	@echo "Words: codespell"
	@phrases=$$(sed 's/->.*//' words.txt | paste -sd '|') && git ls-files -co --exclude-standard -z ':!words.txt' \
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
	@told=$$($(BIN)/lint-imports --no-cache) || { echo "$$told"; exit 1; }

check-migrations: $(TEST_READY)
	@echo "Migrations: models and migrations agree"
	@DJANGO_SETTINGS_MODULE=tests.settings DATABASE_URL=sqlite://:memory: \
		$(BIN)/python manage.py makemigrations --check --dry-run >/dev/null \
		|| { echo "A model has changed without its migration: manage.py makemigrations"; exit 1; }

# The real settings, as in production: only what is given here, and nothing of the caller's environment.
check-deploy: $(TEST_READY)
	@echo "Production settings: manage.py check --deploy"
	@env -i PATH="$$PATH" SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(48))')" \
		PUBLIC_URL=https://keys.example.com ALLOWED_HOSTS=keys.example.com EMAIL_URL=smtp+tls://mail.example.com:587 \
		DATABASE_URL=postgresql://portal@localhost/portal PYTHONWARNINGS=error \
		$(BIN)/python manage.py check --deploy --fail-level WARNING >/dev/null

unit: $(TEST_READY) programs ## Test the core: no database, milliseconds
	@echo "Unit tests"
	@DATABASE_URL=sqlite://:memory: $(PYTEST) $(JUNIT) tests/unit

db: $(TEST_READY) programs ## Test the registry and the pages on a PostgreSQL of their own
	@echo "Database tests on PostgreSQL"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) tests/db

smoke: $(TEST_READY) programs ## Test the same on SQLite, without what only PostgreSQL can show
	@echo "Database tests on SQLite"
	@DATABASE_URL=sqlite://:memory: $(PYTEST) $(JUNIT) tests/db -m "not postgresql"

browser: $(TEST_READY) programs ## Test the whole story in a browser
	@echo "Browser tests"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) tests/browser

interop: $(TEST_READY) $(NODE_READY) programs ## Test with real peers: PyJWT, joserfc, jose, oidc-provider, nginx, Envoy, Apache
	@echo "Interop tests"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) tests/interop

ops: $(TEST_READY) programs ## Test settings, demo, image commands, manifests and documents
	@echo "Tests of running it"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) tests/ops

# Java's library is inside the sources of PySpark: 750 MB are fetched for two jars of 30, once.
VERIFIERS := build/verifiers
NIMBUS := $(VERIFIERS)/nimbus-9.8.1.jar $(VERIFIERS)/nimbus-9.37.2.jar

$(VERIFIERS)/%.jar: tests/verifiers/%.txt | $(TEST_READY)
	@echo "Fetching $* …"
	@rm -rf $@.d && mkdir -p $@.d
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --require-hashes -r $< -d $@.d
	@tar -xzf $@.d/*.tar.gz -C $@.d --wildcards --strip-components=3 '*/deps/jars/hadoop-client-runtime-*.jar'
	@mv $@.d/hadoop-client-runtime-*.jar $@ && touch $@ && rm -r $@.d

test-verifiers: $(TEST_READY) $(NIMBUS) programs ## Run our programs in Go and Java, and let both verify (750 MB, not part of test)
	@echo "Tests with Go and Java"
	@$(WITH_POSTGRES) $(PYTEST) $(JUNIT) tests/verifiers

drill: $(TEST_READY) ## Kill workers and the database while people write: nothing acknowledged may be lost
	@$(BIN)/python tests/chaos/crash.py

test-image: $(TEST_READY) ## Build the image, run compose.yaml, kill and replace its services (DOCKER=podman where there is no Docker)
	@DOCKER="$(DOCKER)" $(BIN)/python -u -m tests.chaos.image

# --- Changing ------------------------------------------------------------------------------------

lint: check-lint check-words check-templates check-types check-imports ## Check the code without running it

format: $(TEST_READY) ## Put code and templates into the house's form
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .
	@git ls-files -co --exclude-standard -z 'templates/*.html' | xargs -0 $(BIN)/djade --target-version 5.2

# No header and no index: what is compiled names no host but the hashes.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

lock: $(RUN_READY) ## Compile the requirements again (the newest that fit: make lock UPGRADE=--upgrade)
	@for name in requirements-uv requirements requirements-dev; do \
		$(COMPILE) $(UPGRADE) $$name.in -o $$name.txt || exit 1; done

# The commands of development. `make help` lists them.
#
# Tools are installed once, into this checkout (node_modules/, .tools/) or the usual cargo caches.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

TOOLS  := .tools
NPM    := node_modules/.package-lock.json
WASM   := $(TOOLS)/wasm-target
TARGET := $(or $(CARGO_TARGET_DIR),target)
CONFIG := wrangler.toml
SOURCES := $(shell find src tools -type f) Cargo.toml Cargo.lock
FAKES  := $(shell find tests/fakes -type f)
CONSOLE := console/node_modules/.package-lock.json
ASSETS := $(addprefix build/assets/,formcourier.js _headers console/index.html console/app.js)
PEER   := target/bench/peer/index.js

# The most bytes that the upload may have after gzip. Lower it with each saving; raise it only for what is worth it.
UPLOAD_BUDGET := 630000

# No path of this machine goes into what is published.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS := --remap-path-prefix=$(HOME)=~ --remap-path-prefix=$(CURDIR)=.

# The features are named one by one: with --all-features, wasm-opt writes what the platform cannot read yet.
FEATURES := $(addprefix --enable-,mutable-globals sign-ext nontrapping-float-to-int bulk-memory multivalue reference-types \
  exception-handling)

# The npm packages include a Node that wrangler accepts, whatever the machine's version.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# esbuild's own program, not its Node wrapper.
ESBUILD = $(firstword $(wildcard $(CURDIR)/node_modules/@esbuild/*/bin/esbuild))

.PHONY: help dev ports test package packages sim bench profile bytes worst browser chromium build worker check deploy setup unit lint fmt \
  scale clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(NPM) $(WASM) ## Install what is missing

$(NPM): package.json package-lock.json
	@echo "== npm packages (workerd, wrangler, esbuild, binaryen)"
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

$(WASM):
	@echo "== Rust target wasm32-unknown-unknown"
	@mkdir -p $(TOOLS)
	@if command -v rustup >/dev/null; then rustup target add wasm32-unknown-unknown; fi
	@touch $@

build: build/index_bg.wasm $(ASSETS) ## Build the Worker and its static assets into build/

# The console's tsconfig.json would add to it.
build/assets/formcourier.js: console/formcourier.js $(NPM)
	$(ESBUILD) --minify --charset=utf8 --tsconfig-raw={} --log-level=warning $< --outfile=$@

build/assets/_headers: console/_headers
build/assets/console/index.html: console/index.html
build/assets/_headers build/assets/console/index.html:
	@mkdir -p $(@D); cp $< $@

# With app.css, which it imports.
build/assets/console/app.js: $(wildcard console/src/*) src/pages/look.css $(NPM) $(CONSOLE)
	$(ESBUILD) console/src/app.tsx --bundle --minify --charset=utf8 --jsx=automatic --jsx-import-source=preact --target=es2022 \
	  --log-level=warning --outfile=$@

$(CONSOLE): console/package.json console/package-lock.json $(NPM)
	@echo "== npm packages of the console (preact)"
	cd console && npm ci --no-fund --no-audit --loglevel=error
	@touch $@

# The native tools, in one build so that cargo compiles what they share once: wasm-bindgen's command, `make check`, and the fake
# CRMs. Without default features, none of them needs the platform's crates.
NATIVE = cargo build --quiet --no-default-features -p bindgen --bin bindgen -p formcourier --bin check -p fakes --bin fakes

# PROFILE=dev builds faster and larger. build/profile changes with it.
PROFILE ?= release
build/profile: FORCE
	@mkdir -p build; echo $(PROFILE) | cmp -s - $@ || echo $(PROFILE) >$@
FORCE:

define OPTIMIZE
wasm-opt -O -g $(FEATURES) build/bindgen/index_bg.wasm -o build/ordered.wasm
node tools/order.mjs build/ordered.wasm
wasm-opt --reorder-functions-by-name $(FEATURES) --symbolmap=build/ordered.symbols build/ordered.wasm -o $@
@sed 's/:[0-9]\{6\}:/:/' build/ordered.symbols >build/index.symbols
endef

# The upload carries no names; index.symbols resolves the function numbers of a stack trace.
build/index_bg.wasm: $(SOURCES) build/profile $(NPM) $(WASM)
	@echo "== the Worker ($(PROFILE))"
	cargo build --quiet --profile $(PROFILE) --lib --target wasm32-unknown-unknown
	@$(NATIVE)
	$(TARGET)/debug/bindgen $(TARGET)/wasm32-unknown-unknown/$(PROFILE:dev=debug)/formcourier.wasm build/bindgen
	$(if $(filter dev,$(PROFILE)),cp build/bindgen/index_bg.wasm $@,$(OPTIMIZE))
	$(ESBUILD) src/edge/worker.js --bundle --minify --format=esm --log-level=warning \
	  --external:cloudflare:* --external:./index_bg.wasm --outfile=build/index.js

# What wrangler runs before a start, a reload and a deploy. A failed command ends `wrangler dev`, so there an error is only
# printed, and the last build keeps running.
worker:
	@$(MAKE) --no-print-directory check || [ "$$WRANGLER_COMMAND" = dev ]
	@$(MAKE) --no-print-directory build || [ "$$WRANGLER_COMMAND" = dev ]

check: ## Check wrangler.toml, or CONFIG=another.toml: every error with its line
	@[ -e $(TARGET)/debug/check ] || echo "== native tools (wasm-bindgen, the config check, the fake CRMs)"
	@$(NATIVE)
	@$(TARGET)/debug/check $(CONFIG)

# The checker and the fake CRMs for Node. After the Worker, because cargo leaves the library's module in the same place.
build/check.wasm: BIN = --no-default-features --bin check
build/fakes.wasm: BIN = -p fakes --bin fakes
build/check.wasm build/fakes.wasm: build/%.wasm: $(SOURCES) $(FAKES) npm/buffer.rs $(NPM) $(WASM) | build/index_bg.wasm
	@echo "== $*, as Wasm"
	@mkdir -p build
	cargo build --quiet --release --target wasm32-unknown-unknown $(BIN)
	wasm-opt -Oz $(FEATURES) --strip-debug $(TARGET)/wasm32-unknown-unknown/release/$*.wasm -o $@

package: build build/check.wasm build/fakes.wasm ## Build the npm packages into dist/
	node npm/pack.mjs

packages: package ## Install the npm packages into an empty folder without Rust, and try them
	@echo "== the npm packages"
	node --test --test-reporter=spec npm/test/*.test.mjs

.dev.vars: development.vars
	@if [ ! -e $@ ]; then echo "== .dev.vars, from development.vars"; cp development.vars $@; fi
	@touch $@

# The fakes listen on the next port. The Worker is built for development: faster, and larger.
PORT ?= 8787
dev: export PROFILE := dev
dev: ports setup check build .dev.vars ## Run it all: the Worker with forms to try, and the fake CRMs; PORT=9000 for other ports
	@node tools/dev.mjs $(PORT) $(TARGET)/debug/fakes

ports:
	@node tools/dev.mjs $(PORT)
	@[ -e build/index.js ] || echo "== The first run takes about three minutes: npm packages (15 s), native tools (60 s), the Worker (90 s)."

# The check runs first, and not only in wrangler's build, which hides its message under a stack trace.
deploy: setup check build ## Check the config, build, and deploy to Cloudflare
	wrangler deploy

fmt: ## Format the code
	cargo fmt --all

lint: $(CONSOLE) ## Formatting, clippy, and the types of the console
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	console/node_modules/.bin/tsc --project console

test: setup lint check build ## Everything: lints, unit tests, end to end under workerd, wrangler, in a browser, the npm packages
	cargo test --workspace --quiet --lib --bins
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-10} cargo test --quiet --test it
	@$(MAKE) --no-print-directory sim bytes browser packages

browser: build chromium ## The pages, formcourier.js and the form libraries in a real Chromium
	@cargo build --quiet -p fakes --bins
	@echo "== browser"
	node --test --test-reporter=dot --test-timeout=300000 tests/browser/*.test.mjs tests/clients/*.test.mjs

# docs/performance.md says what the figures mean.
bench: build $(PEER) ## This Worker beside a JavaScript one under workerd; ROUNDS= and N= make it shorter
	node benches/run.mjs

profile: build $(PEER) ## Where the time goes, and what is asked of the platform; WORKER=peer for the other one
	node benches/profile.mjs

bytes: build ## The upload against its budget, and the share of each connector
	node benches/bytes.mjs $(UPLOAD_BUDGET)

$(PEER): $(NPM) $(shell find benches/peer -name node_modules -prune -o -type f -print)
	cd benches/peer && npm ci --no-fund --no-audit --loglevel=error && npm run --silent build

worst: build ## What the worst bodies cost, natively and under workerd (Linux)
	cargo bench --quiet --bench intake
	cargo test --quiet --test it the_worst_bodies -- --ignored --nocapture

# Any Chromium on this machine works. As root on Debian or Ubuntu, its package is installed.
chromium: $(NPM)
	@if node tests/browser/chromium.mjs >/dev/null; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  echo "== chromium"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "The browser tests need Chromium or Chrome: install it (Debian: apt-get install chromium), or set CHROMIUM_BIN." >&2; exit 1; fi

storm: setup build ## kill -9 at 300 random moments, counted; ROUNDS= and SEED= change the run
	ROUNDS=$${ROUNDS:-300} cargo test --quiet --test it killed_at_random_moments -- --nocapture

sim: ## The simulator: each run replays from its seed; SEEDS=from..to, or SEEDS=42 with its events
	cargo test --quiet --profile sim --test sim -- --nocapture

growth: setup build ## How long accepting and delivering take with 100, 10,000 and 1,000,000 stored submissions
	cargo test --quiet --test it growth -- --ignored --nocapture

scale: setup build ## What the operator API reads, and how long it takes, with 1,000,000 stored submissions
	cargo test --quiet --test it a_million_submissions -- --ignored --nocapture

clean: ## Remove what was built; the tools stay
	rm -rf build dist target

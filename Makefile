# Everything a developer does, in a few words. `make help` lists them.
#
# Tools are installed into this checkout (node_modules/, .tools/) or the usual cargo caches, once; each target says what
# it does and is quick when nothing changed.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

TOOLS  := .tools
NPM    := node_modules/.package-lock.json
WASM   := $(TOOLS)/wasm-target
TARGET := $(or $(CARGO_TARGET_DIR),target)
SOURCES := $(shell find src tools -type f) Cargo.toml Cargo.lock
FAKES   := $(shell find tests/fakes -type f)

# No path of this machine goes into what is published.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS := --remap-path-prefix=$(HOME)=~ --remap-path-prefix=$(CURDIR)=.
# The node packages bring a Node that wrangler accepts, whatever the machine has.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# esbuild's own program, not its Node wrapper.
ESBUILD = $(firstword $(wildcard $(CURDIR)/node_modules/@esbuild/*/bin/esbuild))

.PHONY: help dev test package packages sim bench cpu browser chromium build check deploy setup unit lint fmt clean

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

src/pages/formcourier.min.js: src/pages/formcourier.js $(NPM)
	$(ESBUILD) --minify --charset=utf8 --log-level=warning $< --outfile=$@

build: build/index_bg.wasm ## Build the Worker into build/

# `make dev` sets PROFILE=dev: a minute faster to build, and twice the size. build/profile changes with it.
PROFILE ?= release
build/profile: FORCE
	@mkdir -p build; echo $(PROFILE) | cmp -s - $@ || echo $(PROFILE) >$@
FORCE:

# The upload carries no names; index.symbols resolves the function numbers of a stack trace.
build/index_bg.wasm: $(SOURCES) build/profile $(NPM) $(WASM)
	@echo "== the Worker ($(PROFILE))"
	cargo build --quiet --profile $(PROFILE) --lib --target wasm32-unknown-unknown
	cargo run --quiet -p bindgen -- $(TARGET)/wasm32-unknown-unknown/$(PROFILE:dev=debug)/formcourier.wasm build/bindgen
	$(if $(filter dev,$(PROFILE)),cp build/bindgen/index_bg.wasm $@,wasm-opt -O --all-features --symbolmap=build/index.symbols build/bindgen/index_bg.wasm -o $@)
	$(ESBUILD) src/edge/worker.js --bundle --minify --format=esm --log-level=warning \
	  --external:cloudflare:* --external:./index_bg.wasm --outfile=build/index.js

# The checker and the fake CRMs for Node. After the Worker, because cargo leaves the library's module in the same place.
build/check.wasm: BIN = --no-default-features --bin check
build/fakes.wasm: BIN = -p fakes --bin fakes
build/check.wasm build/fakes.wasm: build/%.wasm: $(SOURCES) $(FAKES) npm/buffer.rs $(NPM) $(WASM) | build/index_bg.wasm
	@echo "== $*, as Wasm"
	@mkdir -p build
	cargo build --quiet --release --target wasm32-unknown-unknown $(BIN)
	wasm-opt -Oz --all-features --strip-debug $(TARGET)/wasm32-unknown-unknown/release/$*.wasm -o $@

package: build build/check.wasm build/fakes.wasm ## Build the npm packages into dist/
	node npm/pack.mjs

packages: package ## Install the npm packages into an empty folder without Rust, and try them
	@echo "== the npm packages"
	node --test --test-reporter=spec npm/test/*.test.mjs

check: ## Check wrangler.toml: every mistake with its line
	@cargo run --quiet --no-default-features --bin check

.dev.vars: development.vars
	@if [ ! -e $@ ]; then echo "== .dev.vars, from development.vars"; cp development.vars $@; fi
	@touch $@

dev: setup .dev.vars ## Run it all: the Worker with a demo form, and the fake vendors
	@cargo build --quiet -p fakes
	@echo "== the demo form: http://localhost:8787      the fake vendors: http://localhost:8788"
	@target/debug/fakes & fakes=$$!; trap "kill $$fakes 2>/dev/null" EXIT; wrangler dev --port 8787 --local-protocol http

# The checks come first and not only in wrangler's build, which buries what they say under its own state.
deploy: setup check build ## Check the config, build, and deploy to Cloudflare
	wrangler deploy

fmt: ## Format the code
	cargo fmt --all

lint: ## Formatting and clippy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings

test: setup lint check build ## Everything: lints, unit tests, end to end under workerd, wrangler, in a browser, the npm packages
	cargo test --workspace --quiet --lib --bins
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-10} cargo test --quiet --test it
	@$(MAKE) --no-print-directory sim browser packages

browser: build chromium ## The pages, formcourier.js and the Formspree clients in a real Chromium
	@cargo build --quiet -p fakes --bins
	@echo "== browser"
	node --test --test-reporter=dot --test-timeout=120000 tests/browser/*.test.mjs tests/clients/*.test.mjs

bench: ## Time the way in natively, on the worst bodies that a form takes
	cargo bench --quiet --bench intake

cpu: build ## The CPU that the worst bodies cost the Worker (Linux)
	cargo test --quiet --test it the_worst_bodies -- --ignored --nocapture

# Any Chromium of this machine will do. A Debian or Ubuntu that we may install on gets its own package.
chromium: $(NPM)
	@if node tests/browser/chromium.mjs >/dev/null; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  echo "== chromium"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "The browser tests need Chromium or Chrome: install it (Debian: apt-get install chromium), or set CHROMIUM_BIN." >&2; exit 1; fi

storm: setup build ## kill -9 at 300 random moments, counted; ROUNDS= and SEED= as you like
	ROUNDS=$${ROUNDS:-300} cargo test --quiet --test it killed_at_random_moments -- --nocapture

sim: ## The simulator: whole worlds, each replayable from its seed; SEEDS=from..to, or SEEDS=42 with its events
	cargo test --quiet --profile sim --test sim -- --nocapture

growth: setup build ## How long accepting and delivering take with 100, 10,000 and 1,000,000 stored submissions
	cargo test --quiet --test it growth -- --ignored --nocapture

clean: ## Remove what was built; the tools stay
	rm -rf build dist target

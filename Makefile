# The two commands of the README, `make demo` and `make test`, do all set-up themselves.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

ENV := .callsift
export PATH := $(CURDIR)/$(ENV)/venv/bin:$(PATH)

# OpenBLAS makes recognition faster where it is installed. Evaluated when a recipe runs, so after `make setup`.
BLAS_DIR = $(if $(wildcard /usr/lib/*/libopenblas.so /usr/lib64/libopenblas.so /usr/lib/libopenblas.so),$(patsubst %/cblas.h,%,$(firstword \
	$(wildcard /usr/include/*-linux-gnu/openblas-pthread/cblas.h /usr/include/openblas/cblas.h /usr/include/*-linux-gnu/cblas.h /usr/include/cblas.h))))
CARGO = $(if $(BLAS_DIR),BLAS_INCLUDE_DIRS=$(BLAS_DIR) cargo,cargo)
FEATURES = $(if $(BLAS_DIR),--features callsift-cli/openblas)
BIN := target/release/callsift

.PHONY: help setup build demo test lint check docs clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## install what is missing: build tools, ONNX runtime, voice activity model, readers for the tests
	@bash .ci/setup.sh $(ENV)

# The whole workspace at once, here and in the tests: the same features, so nothing is compiled twice.
build: setup ## build the callsift binary
	@$(CARGO) build --release --workspace $(FEATURES)

DEMO := target/demo
DEMO_INPUT = $(shell find rules tests/demo models/whisper-mini-zh -type f -not -path '*/__pycache__/*' 2>/dev/null)

demo: build ## inspect the bundled calls and print what was found
	@mkdir -p $(DEMO)
	@if [ -n "$$(find $(BIN) $(DEMO_INPUT) -newer $(DEMO)/made -print -quit 2>/dev/null)" ] || [ ! -f $(DEMO)/made ]; then rm -rf $(DEMO)/lake; fi
	@$(BIN) run --recordings tests/demo/recordings --metadata tests/demo/metadata.csv --rules rules --out $(DEMO)/lake || [ $$? -eq 1 ]
	@touch $(DEMO)/made
	@$(BIN) expect --lake $(DEMO)/lake tests/demo/expected.jsonl

test: setup ## run all tests
	@$(CARGO) test --release --workspace --no-fail-fast $(FEATURES)
	@$(BIN) rules check rules
	@$(BIN) rules test rules

lint: setup ## formatting, lints and documentation, warnings forbidden
	@cargo fmt --all --check
	@$(CARGO) clippy --release --workspace --all-targets $(FEATURES) -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --workspace --no-deps $(FEATURES)

check: lint test ## everything: lint and test

docs: build ## generate docs/schema.md and docs/rules.md
	@mkdir -p docs
	@$(BIN) schema > docs/schema.md
	@$(BIN) operators > docs/rules.md

clean: ## remove what was built
	@cargo clean
	@rm -rf $(DEMO)

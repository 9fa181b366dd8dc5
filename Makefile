# The two commands of the README, `make demo` and `make test`, do all set-up themselves.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

ENV := .callsift
export PATH := $(CURDIR)/$(ENV)/venv/bin:$(PATH)

# The ONNX runtime's wheels report their use to their maker; callsift switches that off by itself (crates/cli/src/quiet.rs).
export ORT_DISABLE_TELEMETRY := 1

BIN := target/release/callsift

.PHONY: help setup build dist conformance test-spark test-objects demo console test lint deny fuzz check train-asr train-text train-base eval docs pictures bench bench-text bench-console bench-coverage bench-peers real-calls eval-speech spoken-calls eval-spoken clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## install what is missing: build tools, ONNX runtime, voice activity model, whisper-base, sentence encoder, readers for the tests
	@bash .ci/setup.sh $(ENV)

# The whole workspace at once, here and in the tests: the same features, so nothing is compiled twice.
build: setup ## build the callsift binary
	@cargo build --release --workspace
	@if [ -f $(ENV)/models/published/whisper-base/model.bin ]; then $(BIN) models pull whisper-base --offline --dest $(ENV)/models >/dev/null || echo "build: whisper-base is not ready"; fi

DEMO := target/demo
DEMO_INPUT = $(shell find rules tests/demo models/whisper-mini-zh -type f -not -path '*/__pycache__/*' 2>/dev/null)

demo: build ## inspect the bundled calls and print what was found
	@mkdir -p $(DEMO)
	@if [ -n "$$(find $(BIN) $(DEMO_INPUT) -newer $(DEMO)/made -print -quit 2>/dev/null)" ] || [ ! -f $(DEMO)/made ]; then rm -rf $(DEMO)/lake; fi
	@$(BIN) run --recordings tests/demo/recordings --metadata tests/demo/metadata.csv --rules rules --model whisper-mini-zh --lake $(DEMO)/lake || [ $$? -eq 1 ]
	@touch $(DEMO)/made
	@$(BIN) expect --lake $(DEMO)/lake tests/demo/expected.jsonl

console: demo ## open the web console over the demo lake (http://127.0.0.1:8017); first users and passwords are printed once
	@$(BIN) console --lake $(DEMO)/lake --data $(DEMO)/console --recordings tests/demo/recordings --first-users 3021

test: build ## run all tests
	@cargo test --release --workspace --no-fail-fast
	@$(BIN) rules check rules
	@$(BIN) rules test rules

lint: setup ## formatting, lints and documentation, warnings forbidden
	@cargo fmt --all --check
	@cargo clippy --release --workspace --all-targets -- -D warnings
	@python3 models/cards.py --check
	@RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps

# What cannot be looked at is said and is no failure: the tool is no part of the set-up, and its database lies on the network.
deny: ## licences, bans, sources and known vulnerabilities of dependencies, with cargo-deny
	@if ! command -v cargo-deny >/dev/null; then echo "deny: NOT CHECKED: cargo-deny is not installed (cargo install --locked cargo-deny)"; exit 0; fi; \
	cargo deny check licenses bans sources; \
	if cargo deny fetch db >/dev/null 2>&1; then cargo deny check --disable-fetch advisories; \
	else echo "deny: advisories NOT CHECKED: the database cannot be fetched"; fi

SECONDS_EACH ?= 600

# Needs a nightly compiler and cargo-fuzz; the figures of a run stand in tests/fuzz/README.md.
fuzz: ## any bytes as recordings, transcripts, metadata, rules and parts of a lake: an hour (SECONDS_EACH=600)
	@tests/fuzz/run.sh $(SECONDS_EACH)

check: lint deny test ## everything: lint, dependencies and tests

# Training and evaluation of the embedded models (models/README.md); torch is large, so it has an environment of its own.
TRAIN := .venv-train/bin/python
SHARED ?= ../shared
MINUTES ?= 95
TEXT_MINUTES ?= 22

.venv-train/ready: models/train/asr/requirements.txt models/train/text/requirements.txt
	@python3 -m venv .venv-train
	@.venv-train/bin/python -m pip install --quiet -r models/train/asr/requirements.txt -r models/train/text/requirements.txt
	@touch $@

train-asr: .venv-train/ready ## train the embedded speech model from its last state; resumes (SHARED=../shared MINUTES=95)
	@$(TRAIN) models/train/asr/voices.py --shared $(SHARED) --work target/train/asr
	@$(TRAIN) models/train/asr/train.py --shared $(SHARED) --work target/train/asr --minutes $(MINUTES) --lr 0.0009 --init models/train/asr/start-fp16.pt
	@$(TRAIN) models/train/asr/export.py --work target/train/asr --out target/train/asr/ggml-model-q8_0.bin

train-text: .venv-train/ready ## train the text model; resumes (SHARED=../shared TEXT_MINUTES=22)
	@$(TRAIN) models/train/text/train.py --shared $(SHARED) --work target/train/text --minutes $(TEXT_MINUTES)
	@$(TRAIN) models/train/text/wide.py --shared $(SHARED) --work target/train/text --minutes $(TEXT_MINUTES)
	@$(TRAIN) models/train/text/export.py --shared $(SHARED) --work target/train/text --out target/train/text/text-mini-zh

train-base: setup .venv-train/ready ## train the heads of text-base-zh on the sentence encoder, minutes on one core (SHARED=../shared)
	@$(TRAIN) models/train/text/joined.py --shared $(SHARED) --encoder $(ENV)/models/sentence-encoder --out target/train/text-base/text-base-zh

REAL := target/real
.venv-real/ready: tests/real/requirements.txt
	@python3 -m venv .venv-real
	@.venv-real/bin/python -m pip install --quiet -r tests/real/requirements.txt
	@touch $@

$(REAL)/references.jsonl: tests/real/generate.py tests/real/noises.py | .venv-real/ready
	@.venv-real/bin/python tests/real/generate.py --shared $(SHARED) --set big --out $(REAL)

real-calls: $(REAL)/references.jsonl ## make ten calls of real read speech, 20 minutes, in target/real (SHARED=../shared)

eval: build .venv-train/ready ## print the figures of the rules and of the embedded models
	@echo "rules, labelled calls whose writer did not know them (tests/labelled/blind.jsonl), and those that the authors have read (test.jsonl)"
	@$(BIN) eval --labelled tests/labelled/blind.jsonl --rules rules --profile all
	@$(BIN) eval --labelled tests/labelled/test.jsonl --rules rules --profile all
	@echo "masking of customers' numbers, labelled lines: developed on, and held back"
	@$(BIN) eval --numbers tests/labelled/numbers.txt
	@$(BIN) eval --numbers tests/labelled/numbers-heldout.txt
	@echo "punctuation of typed service dialogues that were held back, and of customers' short lines of another source"
	@python3 models/train/punctuation/train.py --shared $(SHARED) --heldout target/punctuation-heldout.txt --table target/punctuation-table.txt
	@$(BIN) eval --punctuation target/punctuation-heldout.txt
	@$(BIN) eval --punctuation $(SHARED)/data/dialogues/service_sentences.txt
	@echo "matching by sound on real and simulated recognition errors"
	@cargo build --quiet --release --workspace --examples
	@target/release/examples/sound_errors $(SHARED)/data/asr_errors/pairs.jsonl
	@$(MAKE) --no-print-directory eval-speech
	@$(TRAIN) models/train/asr/evaluate.py --shared $(SHARED) --out target/figures.json
	@$(TRAIN) models/train/text/evaluate.py --shared $(SHARED)
	@if [ -f $(ENV)/models/sentence-encoder/model.onnx ]; then $(TRAIN) models/train/text/evaluate.py --shared $(SHARED) --model models/text-base-zh --encoder $(ENV)/models/sentence-encoder; \
	$(TRAIN) models/train/text/heard.py --encoder $(ENV)/models/sentence-encoder; \
	else echo "eval: text-base-zh SKIPPED: no sentence encoder; run make setup"; fi

MODEL ?= whisper-base

# The demo calls are joined from words of two voices that no real model knows: what it makes of the verdicts says how rules stand errors.
eval-speech: build real-calls ## recognition of real speech, and the demo's verdicts, by a real model (MODEL=whisper-base or a path)
	@echo "recognition of real read speech at the telephone: $(MODEL)"
	@$(BIN) eval --speech $(REAL) --model $(MODEL)
	@echo "the demo's verdicts, heard by $(MODEL)"
	@rm -rf target/demo-real && mkdir -p target/demo-real
	@$(BIN) run --recordings tests/demo/recordings --metadata tests/demo/metadata.csv --rules rules --model $(MODEL) --lake target/demo-real/lake >/dev/null || [ $$? -eq 1 ]
	@$(BIN) expect --lake target/demo-real/lake tests/demo/expected.jsonl || [ $$? -eq 1 ]

SPOKEN := target/spoken
.venv-spoken/ready: tests/spoken/requirements.txt
	@python3 -m venv .venv-spoken
	@.venv-spoken/bin/python -m pip install --quiet -r tests/spoken/requirements.txt
	@touch $@

# The voices take some 40 minutes on two cores; what was said once is kept, so a second run goes on where the first stopped.
spoken-calls: build .venv-spoken/ready ## speak the labelled calls and hear them, in target/spoken (SHARED=../shared MODEL=whisper-base)
	@.venv-spoken/bin/python tests/spoken/generate.py --shared $(SHARED) --out $(SPOKEN)
	@$(BIN) eval --spoken $(SPOKEN) --rules rules --profile all --model $(MODEL)

eval-spoken: build ## rules on labelled calls as said and as whisper-base heard them (tests/spoken)
	@$(BIN) eval --spoken tests/spoken --rules rules --profile all

.venv-peers/ready: benches/peers.txt
	@python3 -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet -r benches/peers.txt
	@touch $@

CT2 ?= $(ENV)/models/published/whisper-base
ROUNDS ?= 3

bench-peers: build real-calls .venv-peers/ready ## callsift beside faster-whisper and whisper.cpp on the calls of real-calls (20 minutes)
	@[ -f "$(CT2)/model.bin" ] || { echo "bench-peers: no model.bin in $(CT2); run make setup, or name the model's CTranslate2 folder: CT2=FOLDER"; exit 2; }
	@.venv-peers/bin/python benches/peers.py --ct2 $(CT2) --model $(MODEL) --rounds $(ROUNDS)

bench-text: setup .venv-train/ready ## turns per second of the text model, beside python onnxruntime
	@cargo build --release --workspace --examples
	@$(TRAIN) benches/text.py

$(ENV)/venv-conformance/ready: tests/conformance.txt
	@python3 -m venv $(ENV)/venv-conformance
	@$(ENV)/venv-conformance/bin/python -m pip install --quiet -r tests/conformance.txt
	@touch $@

CONFORMANCE := target/conformance

conformance: build $(ENV)/venv-conformance/ready ## a table of readers that read the lake alike (Spark needs Java 17)
	@rm -rf $(CONFORMANCE) && mkdir -p $(CONFORMANCE) && cp -r crates/store/test-data/v2 $(CONFORMANCE)/lake
	@$(BIN) run --transcripts tests/labelled/dev.jsonl --rules rules --profile all --lake $(CONFORMANCE)/lake >/dev/null
	@$(BIN) schema --sql spark --lake $(CONFORMANCE)/lake > $(CONFORMANCE)/spark.sql
	@$(BIN) schema --sql clickhouse --lake $(CONFORMANCE)/lake > $(CONFORMANCE)/clickhouse.sql
	@$(ENV)/venv-conformance/bin/python tests/conformance.py $(CONFORMANCE)/lake $(CONFORMANCE)/spark.sql $(CONFORMANCE)/clickhouse.sql

SPARK := target/spark

test-spark: build $(ENV)/venv-conformance/ready ## the Spark job on two executors: same rows as run, also where workers and executors die (minutes; needs Java 17)
	@command -v java >/dev/null || bash .ci/java.sh
	@$(ENV)/venv-conformance/bin/python tests/spark/check.py $(BIN) $(SPARK)

.venv-objects/ready: tests/objects/requirements.txt
	@python3 -m venv .venv-objects
	@.venv-objects/bin/python -m pip install --quiet -r tests/objects/requirements.txt
	@touch $@

# s3s-fs checks signatures, which moto does not; it is looked for in PATH and here, and what cannot be checked is said.
test-objects: build .venv-objects/ready ## recordings and lake on object storage: moto, and s3s-fs where it is installed (cargo install --root .venv-objects s3s-fs --features binary)
	@PATH="$(CURDIR)/.venv-objects/bin:$$PATH" .venv-objects/bin/python tests/objects/check.py $(BIN) target/objects

docs: build ## generate docs/schema.md and docs/rules.md
	@mkdir -p docs
	@$(BIN) schema > docs/schema.md
	@$(BIN) operators > docs/rules.md
	@$(BIN) operators --json-schema > docs/rules.schema.json

pictures: build ## the README's picture of the call page, in docs/pictures (needs chromium)
	@python3 docs/pictures/make.py $(BIN) docs/pictures

bench: build ## what rules cost, and how many stored calls are replayed a second (minutes)
	@cargo bench --workspace --bench rules
	@python3 benches/replay.py

CALLS ?= 100000

bench-console: build ## 100 people at once on a lake of 100,000 calls, search beside DuckDB (minutes; a quarter: CALLS=700000)
	@python3 benches/console.py --calls $(CALLS)

bench-coverage: setup ## whether 95 % intervals hold the truth: 2,000 made centres for each scenario
	@cargo build --quiet --release --workspace --examples
	@target/release/examples/coverage

PACKAGES := target/packages

# For other machines of the kind: without the instructions that only this processor has (docs/install.md).
dist: setup ## tarball, Debian package and Python wheel, in target/packages; a build of its own (minutes)
	@GGML_NATIVE=OFF cargo build --profile dist --workspace
	@if [ -d $(ENV)/models/whisper-base ]; then model="--with-model whisper-base"; fi; \
	python3 packaging/build.py --binary target/dist/callsift --env $(ENV) --out $(PACKAGES) $${model:-}

clean: ## remove what was built
	@cargo clean
	@rm -rf $(DEMO)

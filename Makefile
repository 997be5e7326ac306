# Each target is one command from a clean clone; `make help` lists them.
SWIFT ?= swift
# Further arguments of the command that a target ends in: make run ARGS="--config /etc/ibis.yaml"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup build run test demo bench fuzz fuzz-coverage format check-format clean

help: ## list the targets
	@echo "Ibis: WhatsApp calls for your own Asterisk"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'ARGS="..." passes arguments on, SWIFT=/path/to/swift names another compiler.'

setup: ## install the Debian packages that a build needs (as root or by sudo)
	@SWIFT="$(SWIFT)" scripts/setup

build: setup ## build ibis for release
	$(SWIFT) build -c release --product ibis

run: ## build, and start Ibis on its defaults
	@SWIFT="$(SWIFT)" scripts/setup $(if $(ARGS),,ports)
	$(SWIFT) build -c release --product ibis
	.build/release/ibis serve $(ARGS)

test: ## build, and run every test, those with a real Asterisk and baresip included
	@SWIFT="$(SWIFT)" scripts/test $(ARGS)

demo: build ## place a call of a WhatsApp user and one to a WhatsApp user, and show what came of them
	.build/release/ibis demo $(ARGS)

bench: ## build and run the benchmarks, signalling beside a real Asterisk
	@SWIFT="$(SWIFT)" scripts/bench $(ARGS)

fuzz: ## feed mutated messages, session descriptions, digest fields and scripts of events for a minute
	$(SWIFT) build -c release --product ibis-fuzz
	.build/release/ibis-fuzz $(ARGS)

FUZZ_TARGET ?= message
fuzz-coverage: ## the same, led by coverage (libFuzzer), for one FUZZ_TARGET
	$(SWIFT) build -c release --scratch-path .build-fuzz --sanitize fuzzer -Xswiftc -DLIBFUZZER --product ibis-fuzz
	@mkdir -p Fuzz/Findings/$(FUZZ_TARGET)
	IBIS_FUZZ_TARGET=$(FUZZ_TARGET) .build-fuzz/release/ibis-fuzz -max_total_time=60 -timeout=5 -max_len=16384 \
		-artifact_prefix=Fuzz/Findings/ $(ARGS) Fuzz/Findings/$(FUZZ_TARGET) Fuzz/Corpus/$(FUZZ_TARGET)

format: ## put all Swift files into the project's format
	$(SWIFT) format -i -r Package.swift Sources Tests

check-format: ## say which files are not in the project's format
	$(SWIFT) format lint -s -r Package.swift Sources Tests

clean: ## remove what was built (scripts/lab remove: the tests' Asterisk)
	rm -rf .build

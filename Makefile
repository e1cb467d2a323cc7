# Scrap Worker's build. `make` lists the targets.
#
# Needs a Swift 6.3 toolchain (SWIFT=...), and apt-get and dpkg for the libraries.

SWIFT ?= swift
ARGS ?=
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The binary that this machine can run.
arch := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)
bundle := cross/scrap-worker.artifactbundle
jsmn := Sources/CJsmn/include/jsmn.h

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

build: dist/scrap-worker-$(arch) ## the static binary for this machine, in dist/

cross: dist/scrap-worker-amd64 dist/scrap-worker-arm64 ## the binaries for PCs and for ARM boards

test: setup ## the unit and simulator tests, on the host
	$(SWIFT) test --disable-xctest

demo: build ## broker and nodes in this terminal; ARGS="-n 7" and the like are passed on
	dist/scrap-worker-$(arch) demo $(ARGS)

bench: build ## the benchmarks
	Tests/Benchmarks/run $(ARGS)

lint: ## format and shell checks
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	shellcheck cross/sysroot .ci/run

setup: $(jsmn) ## what a plain `swift test` needs: the JSON parser's header

clean: ## remove everything that make made, the libraries included
	rm -rf .build .build-amd64 .build-arm64 dist $(bundle)/*/sysroot* $(jsmn)

# The script itself knows whether its work is done.
sysroot-%: FORCE
	@cross/sysroot $*

$(jsmn): | sysroot-amd64
	cp $(bundle)/amd64/sysroot/usr/include/jsmn.h $@

# swift build knows its own sources: it is always asked, and answers fast.
dist/scrap-worker-%: FORCE sysroot-% $(jsmn)
	SCRAP_BOARD=1 $(SWIFT) build -c release --swift-sdks-path cross \
	    --swift-sdk scrap-worker-$* --scratch-path .build-$* --product scrap-worker
	@mkdir -p dist
	@cmp -s .build-$*/release/scrap-worker $@ || install -m 755 .build-$*/release/scrap-worker $@

FORCE:
.PHONY: help build cross test demo bench lint setup clean FORCE
.PRECIOUS: dist/scrap-worker-%

# Scrap Worker's build. `make` lists the targets.
#
# Needs the Swift toolchain that .swift-version names (SWIFT=...; ANY_SWIFT=1 tries another), and
# apt-get and dpkg for the libraries.

SWIFT ?= swift
ARGS ?=
export ANY_SWIFT
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The binary that this machine can run.
arch := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)
bundle := cross/scrap-worker.artifactbundle
jsmn := Sources/CJsmn/include/jsmn.h
under_test = SCRAP_WORKER=$(CURDIR)/dist/scrap-worker-$(arch) \
    SCRAP_WORKER_ARM=$(CURDIR)/dist/scrap-worker-arm64 \
    SCRAP_PROBE=$(CURDIR)/.build-$(arch)/release/probe

# Two passes: the longest name makes the column.
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { \
	    if (NR == FNR) { if (length($$1) > width) width = length($$1) } \
	    else printf "  make %-" width "s  %s\n", $$1, $$2 }' Makefile Makefile

build: dist/scrap-worker-$(arch) ## the static binary for this machine, in dist/

cross: dist/scrap-worker-amd64 dist/scrap-worker-arm64 ## the binaries for PCs and for ARM boards

test: toolchain ## every test: those of the next three lines, and how long they took
	@.ci/minutes 'make unit' 'make seeds' 'make end-to-end'

unit: toolchain setup ## the tests of the core, the wire, the shell and the simulator (1 minute)
	$(SWIFT) test --disable-xctest --skip EndToEndTests

seeds: toolchain ## 120 simulated unions under faults, 20 of them never seen before
	$(SWIFT) build -c release --product simulate
	.build/release/simulate --brief --safety 120 --seeds 100
	for nodes in 1 3 5 9; do \
	    .build/release/simulate --brief --safety 120 --seeds 5 --seed $$RANDOM --nodes $$nodes; done

end-to-end: toolchain setup tools build probe dist/scrap-worker-arm64 ## whole workers on real brokers
	$(under_test) $(SWIFT) test --disable-xctest --filter EndToEndTests

versions: toolchain sysroot-amd64 setup ## the binaries of older versions, in .build-versions/
	SWIFT=$(SWIFT) Tests/Versions/build

version-test: versions tools build probe ## unions of older versions and today's (10 minutes)
	$(under_test) SCRAP_VERSIONS=$(CURDIR)/.build-versions \
	    $(SWIFT) test --disable-xctest --filter VersionTests

demo: build ## broker and nodes in this terminal; ARGS="-n 7" and the like are passed on
	dist/scrap-worker-$(arch) demo $(ARGS)

bench: toolchain setup tools build probe ## the benchmarks: they print numbers and judge nothing
	$(SWIFT) build -c release --product ScrapBench
	$(under_test) .build/release/ScrapBench $(ARGS)

deb: cross ## Debian packages of both, in dist/
	rm -f dist/*.deb
	board/deb/build amd64 dist/scrap-worker-amd64 dist
	board/deb/build arm64 dist/scrap-worker-arm64 dist

board-test: deb tools probe ## the packages, a card, and an emulated Raspberry Pi: its pins (6 minutes)
	board/tools
	board/deb/test dist/scrap-worker_*_$(arch).deb
	board/emulator/image .build-board/emulator
	board/test-prepare-sd .build-board/emulator/card.img dist/scrap-worker_*_arm64.deb
	board/board-test $(ARGS)

compose-test: build tools ## compose.yaml with a broker that needs no fetching (1 minute, root)
	board/tools docker
	board/compose-test dist/scrap-worker-$(arch)

reproducible: toolchain sysroot-amd64 sysroot-arm64 ## both binaries built twice, in two folders, and compared
	cross/reproducible

simulate: toolchain ## unions under faults: SEEDS=1000 [NODES=5] [SEED=first]; SHOW=1 tells one seed
	$(SWIFT) build -c release --product simulate
	.build/release/simulate --seeds $(or $(SEEDS),1) --seed $(or $(SEED),1) \
	    --nodes $(or $(NODES),5) $(if $(SHOW),--show) $(ARGS)

chaos = python3 -B Tests/Chaos --nodes $(or $(NODES),5) --pace $(or $(PACE),normal) \
    $(if $(SEED),--seed $(SEED)) $(ARGS)

chaos: toolchain tools build ## faults on real processes: FOR=10m [SEED=n] [NODES=5] [PACE=normal]
	PYTHONPATH=.build-tools/python python3 -B Tests/Chaos/test_judge.py
	python3 -B Tests/Chaos/test_network.py
	SCRAP_WORKER=dist/scrap-worker-$(arch) $(chaos) --for $(or $(FOR),10m)

night: toolchain tools build ## the same for an hour or more, with new seeds: [FOR=8h]
	SCRAP_WORKER=dist/scrap-worker-$(arch) $(chaos) --for $(or $(FOR),1h) --round 10m

mutants: toolchain setup tools dist/scrap-worker-arm64 ## breaks one rule after the other: [NAMES="a b"] [FILE=core|wire|shell] [SEEDS=200]
	SWIFT=$(SWIFT) Tests/Mutants/run $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FILE),--file $(FILE)) $(NAMES)

fuzz: toolchain setup ## the decoder against changed records: RUNS=1000000 [SEED=first]; stops at what it finds
	SWIFT=$(SWIFT) Tests/Fuzz/run $(or $(RUNS),1000000) $(SEED)

model: ## checks the model of leases and claims exhaustively with spin
	Tests/Model/run

docs: toolchain ## the core's documentation as web pages, in .build-docs/; warnings are errors
	SWIFT=$(SWIFT) .ci/docc

lint: python = PYTHONPATH=.build-lint python3 -m
lint: toolchain lint-tools ## format, shell, YAML, links and paths in the documents
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	shellcheck -x $$(git grep --untracked -lE '^#!/usr/bin/env bash' -- ':!docs') \
	    board/deb/completion.bash board/deb/{postinst,prerm,postrm} board/emulator/overlay/init
	$(python) yamllint --strict .yamllint .github compose.yaml board/compose-test.yaml
	$(python) check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(python) check_jsonschema --builtin-schema vendor.github-issue-forms \
	    .github/ISSUE_TEMPLATE/{bug,idea}.yml
	$(python) check_jsonschema --builtin-schema vendor.github-issue-config \
	    .github/ISSUE_TEMPLATE/config.yml
	.ci/documents
	.ci/toolchain --places
	.ci/test-toolchain

setup: $(jsmn) ## what a plain `swift test` needs: the JSON parser's header

tools: ## what the tests need beside the toolchain: kcat, ip, two brokers, a Python client
	Tests/tools

lint-tools: ## what lint needs beside the toolchain: shellcheck, yamllint, check-jsonschema
	Tests/tools lint

toolchain: ## whether Swift is here, and the right one
	@.ci/toolchain $(SWIFT)

clean: ## remove everything that make made, the libraries included
	rm -rf .build .build-{tools,lint,docs,board,fuzz,mutants,versions,amd64,arm64} dist \
	    $(bundle)/*/sysroot* $(jsmn)

# The script itself knows whether its work is done.
sysroot-%: FORCE
	@cross/sysroot $*

$(jsmn): | sysroot-amd64
	cp $(bundle)/amd64/sysroot/usr/include/jsmn.h $@

# swift build knows its own sources: it is always asked, and answers fast.
dist/scrap-worker-%: toolchain sysroot-% $(jsmn) commit
	SCRAP_BOARD=1 $(SWIFT) build -c release --swift-sdks-path cross \
	    --swift-sdk scrap-worker-$* --scratch-path .build-$* --product scrap-worker
	@mkdir -p dist
	@cmp -s .build-$*/release/scrap-worker $@ || install -m 755 .build-$*/release/scrap-worker $@

# What `--version` says beside the version.
commit: FORCE
	@cross/commit

# A Kafka client of the tests, with the same libraries as the binary.
probe: toolchain sysroot-$(arch)
	SCRAP_BOARD=1 $(SWIFT) build -c release --swift-sdks-path cross \
	    --swift-sdk scrap-worker-$(arch) --scratch-path .build-$(arch) --product probe

FORCE:
.PHONY: help build cross test unit seeds end-to-end demo bench deb board-test compose-test \
    reproducible simulate chaos night mutants fuzz model docs lint setup tools lint-tools toolchain clean \
    versions version-test probe commit FORCE
.PRECIOUS: dist/scrap-worker-%

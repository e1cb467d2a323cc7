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
under_test = SCRAP_WORKER=$(CURDIR)/dist/scrap-worker-$(arch) \
    SCRAP_WORKER_ARM=$(CURDIR)/dist/scrap-worker-arm64 \
    SCRAP_PROBE=$(CURDIR)/.build-$(arch)/release/probe

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

build: dist/scrap-worker-$(arch) ## the static binary for this machine, in dist/

cross: dist/scrap-worker-amd64 dist/scrap-worker-arm64 ## the binaries for PCs and for ARM boards

test: setup tools build probe dist/scrap-worker-arm64 ## every test: the core's, the wire's, then whole workers on real brokers
	$(SWIFT) test --disable-xctest --skip EndToEndTests
	$(SWIFT) build -c release --product simulate
	.build/release/simulate --brief --safety 120 --seeds 100
	.build/release/simulate --brief --safety 120 --seeds 20 --seed $$RANDOM
	$(under_test) $(SWIFT) test --disable-xctest --filter EndToEndTests

demo: build ## broker and nodes in this terminal; ARGS="-n 7" and the like are passed on
	dist/scrap-worker-$(arch) demo $(ARGS)

bench: setup tools build probe ## the benchmarks: they print numbers and judge nothing
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

reproducible: sysroot-amd64 sysroot-arm64 ## both binaries built twice, in two folders, and compared
	cross/reproducible

simulate: ## unions under faults: SEEDS=1000 [NODES=5] [SEED=first]; SHOW=1 tells one seed
	$(SWIFT) build -c release --product simulate
	.build/release/simulate --seeds $(or $(SEEDS),1) --seed $(or $(SEED),1) \
	    --nodes $(or $(NODES),5) $(if $(SHOW),--show) $(ARGS)

mutants: ## breaks the core's rules one by one: the simulator must notice each
	Tests/Mutants/run $(SEEDS)

fuzz: setup ## the decoder against changed records: RUNS=1000000 [SEED=first]; stops at what it finds
	SWIFT=$(SWIFT) Tests/Fuzz/run $(or $(RUNS),1000000) $(SEED)

model: ## checks the model of leases and claims exhaustively with spin
	Tests/Model/run

lint: ## format and shell checks
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	shellcheck -x Tests/tools Tests/Fuzz/run .ci/run \
	    cross/sysroot cross/debian-archive cross/commit cross/reproducible \
	    board/deb/{build,test,postinst,prerm,postrm,completion.bash} board/emulator/image \
	    board/emulator/overlay/init board/{tools,prepare-sd,test-prepare-sd,compose-test}

setup: $(jsmn) ## what a plain `swift test` needs: the JSON parser's header

tools: ## what the tests need beside the toolchain: kcat, and two brokers in .build-tools/
	Tests/tools

clean: ## remove everything that make made, the libraries included
	rm -rf .build .build-tools .build-board .build-fuzz .build-amd64 .build-arm64 dist \
	    $(bundle)/*/sysroot* $(jsmn)

# The script itself knows whether its work is done.
sysroot-%: FORCE
	@cross/sysroot $*

$(jsmn): | sysroot-amd64
	cp $(bundle)/amd64/sysroot/usr/include/jsmn.h $@

# swift build knows its own sources: it is always asked, and answers fast.
dist/scrap-worker-%: FORCE sysroot-% $(jsmn) commit
	SCRAP_BOARD=1 $(SWIFT) build -c release --swift-sdks-path cross \
	    --swift-sdk scrap-worker-$* --scratch-path .build-$* --product scrap-worker
	@mkdir -p dist
	@cmp -s .build-$*/release/scrap-worker $@ || install -m 755 .build-$*/release/scrap-worker $@

# What `--version` says beside the version.
commit: FORCE
	@cross/commit

# A Kafka client of the tests, with the same libraries as the binary.
probe: sysroot-$(arch)
	SCRAP_BOARD=1 $(SWIFT) build -c release --swift-sdks-path cross \
	    --swift-sdk scrap-worker-$(arch) --scratch-path .build-$(arch) --product probe

FORCE:
.PHONY: simulate mutants fuzz model help build cross test demo bench lint setup tools probe clean \
    deb board-test compose-test reproducible commit FORCE
.PRECIOUS: dist/scrap-worker-%

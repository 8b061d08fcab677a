# Every target says what it is for: make help.
SHELL      := /bin/bash
export CGO_ENABLED ?= 0
VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS    := -s -w -X main.version=$(VERSION)
TEMPL      := go tool templ

.DEFAULT_GOAL := help
.PHONY: help demo build test quick race lint generate check story kill bench bench-intake bench-loaded bench-open bench-latency bench-start bench-status bench-demo bench-restore fuzz dist clean

help: ## what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

demo: ## a running product in a temporary folder: a shop with a month of history and live faults, and a year of a second project
	go run -ldflags '$(LDFLAGS)' ./cmd/mainstay demo

build: ## the static binary, bin/mainstay
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/mainstay ./cmd/mainstay

test: ## everything: installs what it needs from Debian, then vet, staticcheck, races and all tests on both databases
	scripts/test

quick: ## the tests that need nothing but Go
	go test ./...

race: ## the whole suite under the race detector (needs gcc)
	scripts/test race

lint: ## golangci-lint, when it is installed
	golangci-lint run

generate: ## pages (templ) and everything else that is generated; the result is committed
	$(TEMPL) generate -path . >/dev/null

check: ## vet, staticcheck, and whether what is generated is current
	scripts/check

story: ## the whole story with the built binary: Prometheus, mail, webhook, browser, kill -9, on both databases; keeps screenshots
	scripts/test story

kill: ## kill -9 at random moments of the story, 50 times per database (KILLS=n for another number, SEED=n to repeat one)
	scripts/test kill

bench: bench-start bench-latency bench-status bench-restore bench-demo bench-loaded bench-open bench-intake ## every figure of the README, into bench/results

bench-intake: ## 60 s of new alerts by 64 and by 1, ours on both databases and Alertmanager on the same (half an hour)
	scripts/test bench intake

bench-loaded: ## from POST to the webhook while the intake takes half of what it can; Alertmanager beside it
	scripts/test bench loaded

bench-open: ## 100,000 open alerts: memory, lists, and a start that reads them again
	scripts/test bench open

bench-start: ## start on an empty folder, idle memory and processor, size of the binary
	scripts/test bench start

bench-latency: ## from POST of a new alert to the webhook and to the SMTP conversation
	scripts/test bench latency

bench-status: ## requests a second of the public status page (wrk)
	scripts/test bench status

bench-demo: ## how soon the demonstration answers, and the year of its second project
	scripts/test bench demo

bench-restore: ## backup and restore of a million facts, on both databases
	scripts/test bench restore

fuzz: ## every fuzz test for 30 seconds each
	scripts/fuzz

dist: ## static binaries and Debian packages for amd64 and arm64 with checksums, in dist/
	scripts/package amd64 arm64

clean: ## what was built
	rm -rf bin dist .tools

# Two targets matter: `make run` (try it) and `make test` (prove it).
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kura/target
export KURA_BANK ?= bank
LISTEN ?= 127.0.0.1:8080

.PHONY: run test check sample bench clean

run:            ## build, make a bank with the sample hospital, serve it
	@scripts/run.sh $(LISTEN)

test:           ## install what tests need, run every test
	@scripts/test.sh

check:          ## format, lints, dependency rules
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy -p kura-service --features network --all-targets --locked -- -D warnings
	cargo run --locked -q -p xtask -- check
	scripts/deny.sh

sample:         ## make the sample hospital again
	cargo run --locked -p xtask -- sample-hospital

clean:          ## remove the bank of `make run`
	rm -rf bank bank-examples

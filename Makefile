# Everything a developer runs. `make` alone lists it.

# The crates that compile to a component; plugins/ has libraries of theirs too.
PLUGINS := $(patsubst plugins/%/Cargo.toml,%,$(shell grep -l cdylib plugins/*/Cargo.toml))
# The plugins in other languages.
PROJECTS := $(patsubst plugins/%/,%,$(dir $(wildcard plugins/*/package.json plugins/*/pyproject.toml plugins/*/go.mod)))
TARGET := wasm32-wasip2
WASM := target/$(TARGET)/plugin
BIN := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin

# rust-toolchain.toml pins a version. Where rustup has none of that name and may not fetch
# it, its stable serves; tests/setup refuses one that is too old.
ifneq ($(shell cargo --version >/dev/null 2>&1 && echo found),found)
export RUSTUP_TOOLCHAIN := stable
endif

.PHONY: help setup plugins languages guests build dist install demo test proof fuzz-api lint bench figures documents faults

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: redis-server, the wasm target, npm packages
	@tests/setup

plugins: ## Compile the plugins and drop them into plugins/
	@echo "plugins: compiling $(PLUGINS)"
	@cargo build --quiet --locked --profile plugin --target $(TARGET) $(addprefix -p ,$(PLUGINS))
	@for name in $(PLUGINS); do \
	  cp "$(WASM)/$$(echo $$name | tr - _).wasm" "plugins/.$$name.new" && \
	  mv "plugins/.$$name.new" "plugins/$$name.wasm" || exit 1; \
	done

languages: setup ## Build the plugins in other languages than Rust with `runner build`, into plugins/
	@echo "languages: building $(PROJECTS)"
	@tests/setup-languages
	@tests/setup-npm $(patsubst %/,%,$(dir $(wildcard plugins/*/package-lock.json)))
	@RUNNER_TOOLS="$${RUNNER_TOOLS:-$(CURDIR)/target/tools/bin}" \
	  cargo run --quiet --locked -p runner -- build $(addprefix plugins/,$(PROJECTS))

guests: ## Compile the components that the tests run
	@echo "guests: compiling the tests' components"
	@cargo build --quiet --locked --profile plugin --target $(TARGET) -p guests --examples

build: plugins ## Build the release binary and the plugins
	@echo "build: compiling runner"
	@cargo build --quiet --locked --release -p runner

dist: ## Build target/dist/runner to ship, with its debug information in runner.debug
	@echo "dist: compiling runner"
	@cargo build --quiet --locked --release -p runner
	@mkdir -p target/dist
	@cd target/dist && \
	  objcopy --only-keep-debug --compress-debug-sections ../release/runner runner.debug && \
	  objcopy --strip-all --add-gnu-debuglink=runner.debug ../release/runner runner
	@ls -lh target/dist | awk 'NR > 1 { print "dist: target/dist/" $$9, $$5 }'

install: dist ## Install runner into ~/.cargo/bin; BIN=DIR for another directory
	@install -D target/dist/runner "$(BIN)/runner"
	@echo "install: $(BIN)/runner"

demo: setup build ## Run the sample queues end to end; DEMO_EXIT=1 exits after the summary
	@node examples/demo/demo.mjs

test: setup plugins guests ## Run all tests
	@tests/setup-languages
	@tests/setup-servers
	@echo "test: running the tests of all crates"
	@cargo test --locked --workspace

proof: setup ## Check 10 000 random sequences against the model of BullMQ's rules; SEQUENCES=n for more
	@RUNNER_PROOF=$(or $(SEQUENCES),10000) cargo test --quiet --locked -p runner --test integration -- queue_proof

fuzz-api: setup ## Send 100 000 requests that fit the API's description or nearly do; CASES=n for more
	@tests/setup-languages
	@RUNNER_FUZZ=$(or $(CASES),100000) cargo test --quiet --locked -p runner --test integration -- \
	  --nocapture no_request_is_answered_other_than_described

lint: ## Check formatting, clippy, documentation and the dependency policy
	@echo "lint: rustfmt, clippy, rustdoc, cargo-deny"
	@cargo fmt --all --check
	@cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --workspace --no-deps
	@if cargo deny --version >/dev/null 2>&1; then \
	  cargo deny --log-level error check bans licenses sources; \
	else \
	  echo "lint: cargo-deny is not installed, dependency policy not checked (cargo install --locked cargo-deny)"; \
	fi

bench: setup ## Compare Runner with its peers; QUICK=1 for a rough look, ARGS= for benches/bench.mjs, API= for benches/api.mjs, LANGUAGES= for benches/languages.mjs
	@echo "bench: building the release binary, the peer and the guest"
	@cargo build --quiet --locked --release -p runner
	@cargo build --quiet --locked --profile plugin --target $(TARGET) -p bench-guest
	@cargo build --quiet --locked --release --manifest-path benches/official/Cargo.toml --target-dir target
	@npm ci --silent --prefix benches
	@node benches/bench.mjs $(if $(QUICK),--runs 1 --jobs 20000 --latency-seconds 3) $(ARGS)
	@tests/setup wrk
	@node benches/api.mjs $(if $(QUICK),--runs 1 --seconds 2) $(API)
	@tests/setup-languages
	@target/tools/bin/pip install --quiet --disable-pip-version-check -r benches/requirements.txt
	@RUNNER_TOOLS="$${RUNNER_TOOLS:-$(CURDIR)/target/tools/bin}" node benches/languages.mjs $(if $(QUICK),--runs 1 --jobs 3000) $(LANGUAGES)

figures: setup build guests ## Measure Runner under load: kills, swaps, spinning guests, idle
	@node benches/figures.mjs $(ARGS)

documents: setup plugins ## Compare the text of PDFs from PyPI with pdftotext's; ARGS=--list names those that differ
	@if ! command -v pdftotext >/dev/null; then tests/setup poppler-utils; fi
	@tests/setup-languages
	@cargo build --quiet --locked --release -p document-text --example text
	@cargo build --quiet --locked -p runner
	@node benches/documents.mjs $(ARGS)

faults: setup build guests ## Break things under Runner and npm bullmq side by side; ARGS="--only R1,R4"
	@tests/setup faketime
	@node benches/faults.mjs $(ARGS)

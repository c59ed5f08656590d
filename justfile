# What there is to do in this repository. `./justw` (or `just`, where it is installed) lists it.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

# `[continue]`: Ctrl-C is the ordinary end of a server, not a failure of the recipe.

# Everything native is built in the release profile, so that dependencies compile once.
sandpit := env("CARGO_TARGET_DIR", "target") / "release/sandpit"

# List the recipes.
[private]
default:
    @"{{ just_executable() }}" --list --unsorted

# Serve the tools on a simulated TWS inside, already connected (try: demo --help).
[group('run')]
[continue]
demo *ARGS: build
    @exec "{{ sandpit }}" demo "$@"

# Serve the tools on a real TWS or IB Gateway (try: serve --help).
[group('run')]
[continue]
serve *ARGS: build
    @exec "{{ sandpit }}" serve "$@"

# Run the simulated TWS alone, for any TWS client (try: simulate --help).
[group('run')]
[continue]
simulate *ARGS: host
    @exec "{{ sandpit }}" simulate "$@"

# Build the tools and the host.
[group('build')]
build: plugins host

# Build the host: the binary `sandpit`.
[group('build')]
host:
    cargo build --release --package sandpit

# Build the first-party tools into target/plugins.
[group('build')]
plugins:
    @scripts/components plugins target/plugins

# Build the test-only tools into target/test-components, hostile-components and conformance-components.
[group('build')]
test-components:
    @scripts/components tests/components target/test-components
    @scripts/components --examples tests/components/hostile target/hostile-components
    @scripts/components --examples tests/components/conformance target/conformance-components

# Build the documentation of the crates; a broken link or a missing description is an error.
[group('build')]
docs:
    RUSTDOCFLAGS=-Dwarnings cargo doc --release --workspace --no-deps

# Run everything that CI runs.
[group('check')]
test: lock fmt-check lint readme deny clippy docs plugins test-components docker-rehearse cargo-test console-test clients http-fuzz conformance

# Run the tests of the crates and of the whole system (try: cargo-test streams).
[group('check')]
cargo-test *ARGS: plugins test-components
    cargo test --release --workspace --no-fail-fast "$@"

# Test the operator's page in a headless Chromium, on a demo of its own.
[group('check')]
console-test: build test-components
    @scripts/console-test

# Run the official MCP conformance suite on the host, in both eras (try: conformance target/release/sandpit 2025-11-25).
[group('check')]
conformance *ARGS: test-components host
    @scripts/conformance {{ if ARGS == "" { sandpit } else { ARGS } }}

# Run the clients of others against demos: Python, TypeScript, the Inspector (try: clients killed).
[group('check')]
clients *ARGS: build test-components
    @"$(scripts/clients python)" tests/clients/run.py "{{ sandpit }}" "$@"

# Measure calls, orders, requests, memory and start-up (try: bench gate); not part of `test`.
[group('check')]
bench *ARGS: plugins test-components host
    ulimit -Sn "$(ulimit -Hn)"; cargo bench --package sandpit --bench bench -- "$@"

# Fuzz every route of the host over HTTP, with a fixed seed (try: http-fuzz 42).
[group('check')]
http-fuzz *ARGS: plugins host
    @scripts/http-fuzz "{{ sandpit }}" "$@"

# Fuzz the host with component files, a minute each (try: fuzz descriptor -max_total_time=600).
[group('check')]
fuzz *ARGS:
    @scripts/fuzz "$@"

# Format the code.
[group('check')]
fmt:
    cargo fmt --all

# Check the format.
[private]
fmt-check:
    cargo fmt --all --check

# Check that Cargo.lock is complete.
[private]
lock:
    @cargo metadata --locked --format-version 1 >/dev/null

# Lint the Rust code; a warning is an error.
[group('check')]
clippy:
    cargo clippy --release --workspace --all-targets -- -D warnings

# Check licenses and sources of the dependencies.
[group('check')]
deny:
    "$(scripts/tool cargo-deny)" --locked check licenses bans sources

# Check the dependencies for known vulnerabilities (needs github.com).
[group('check')]
advisories:
    "$(scripts/tool cargo-deny)" --locked check advisories

# Lint the shell scripts and the Docker files.
[group('check')]
lint:
    #!/usr/bin/env bash
    set -euo pipefail
    # The linters are fetched with Python, which running and developing Sandpit does not need.
    if [ -z "${CI:-}" ] && ! command -v python3 >/dev/null; then
        echo "lint: skipped, there is no python3 to fetch the linters with; CI runs them" >&2
        exit 0
    fi
    "{{ just_executable() }}" shell-check docker-check

# Lint the shell scripts.
[group('check')]
shell-check:
    "$(scripts/tool shellcheck)" justw .ci/run scripts/* tests/*.sh tests/fuzz/with-coverage simulator/tests/ib_async/python

# Lint the Dockerfile and check compose.yaml against the Compose specification.
[group('check')]
docker-check:
    "$(scripts/tool hadolint)" --failure-threshold style Dockerfile
    "$(scripts/tool check-jsonschema)" --builtin-schema vendor.compose-spec compose.yaml

# Go through the Dockerfile's steps without an engine, in a clean folder, and try the result.
[group('check')]
docker-rehearse:
    @scripts/rehearse-image

# Check the links and the commands that README.md and docs/ name.
[group('check')]
readme:
    @scripts/readme "{{ just_executable() }}"

# Remove what was built and fetched.
[confirm("Remove target/ and .just/?")]
[group('build')]
clean:
    cargo clean
    rm -rf .just

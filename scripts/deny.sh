#!/usr/bin/env bash
# Licences, bans and sources of every dependency; advisories where their database can be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.20.2
if ! cargo deny --version 2>/dev/null | grep -q "$version"; then
    cargo install cargo-deny --locked --version "$version"
fi
cargo deny --locked check bans licenses sources
if [ -z "${CI:-}" ] && timeout 20 git ls-remote -q https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
    cargo deny --locked check advisories
else
    echo "advisories: not checked, the advisory database cannot be reached from here"
fi

#!/usr/bin/env bash
# Brings the examples of samples/ into a bank: models made, tested, approved, at work.
#   KURA_BANK=BANK scripts/examples.sh KURA-BINARY
# The bank holds the sample hospital already. Needs ONNX Runtime (KURA_INFERENCE__RUNTIME). What is
# there already is left as it is.
set -euo pipefail
kura=$(readlink -f "$1")
bank=$(readlink -f "$KURA_BANK")
export KURA_BANK="$bank"
cd "$(dirname "$0")/../samples"
# Data sets and models lie beside the bank: they are what leaves it.
made="$bank-examples"
mkdir -p "$made"
cp ./*.toml "$made/"
step() { echo "example: $*" >&2; }
quiet() { "$@" >/dev/null; }
absent() { ! "$kura" model list --format json | grep -q "\"name\": *\"$1\""; }
# What an interrupted run has left.
fresh() { (cd "$made" && rm -rf "$@"); }
why="見本 / a sample"

if absent deterioration; then
    step "deterioration from the record"
    fresh sets/overview deterioration
    quiet "$kura" dataset build dataset.toml --out "$made/sets/overview"
    quiet "$kura" train "$made/train-deterioration.toml" --out "$made/deterioration"
    quiet "$kura" model register "$made/deterioration"
    quiet "$kura" model test deterioration --set "$made/sets/overview"
    quiet "$kura" model approve deterioration --why "$why"
    quiet "$kura" model use deterioration --why "$why"
    quiet "$kura" model plan plan-deterioration.toml --why "$why"
    quiet "$kura" model ask
fi

if absent chest-pneumonia; then
    step "pneumonia on chest X-rays"
    fresh sets/chest chest
    quiet "$kura" import chest/first
    quiet "$kura" dataset build chest.toml --out "$made/sets/chest"
    quiet "$kura" train "$made/train-chest.toml" --out "$made/chest"
    quiet "$kura" model register "$made/chest"
    quiet "$kura" model test chest-pneumonia --set "$made/sets/chest"
    quiet "$kura" model approve chest-pneumonia --why "$why"
    quiet "$kura" model use chest-pneumonia --why "$why"
    # What was known before is no news: from here on the list grows with what arrives.
    quiet "$kura" import chest/arrivals
fi

if absent colonoscopy-resection; then
    step "colorectal lesions beside seven endoscopists"
    fresh sets/colonoscopy colonoscopy colonoscopy-trial
    quiet "$kura" import colonoscopy/fhir
    quiet "$kura" dataset build colonoscopy.toml --out "$made/sets/colonoscopy"
    quiet "$kura" train "$made/train-colonoscopy.toml" --out "$made/colonoscopy"
    quiet "$kura" model register "$made/colonoscopy"
    # Out-of-fold answers, locked with the cases.
    trial=$("$kura" trial fix trial-colonoscopy.toml colonoscopy/cases.csv \
        --answers "$made/colonoscopy/answers.csv" --format json | sed -n 's/.*"id": *"\([0-9a-f]*\)".*/\1/p')
    # 3: the protocol was not kept in every point; the report says in which.
    quiet "$kura" trial analyse "$trial" --readings colonoscopy/readings.csv --out "$made/colonoscopy-trial" || [ $? -eq 3 ]
    quiet "$kura" model test colonoscopy-resection --trial "$trial"
fi

if absent brain-tissue; then
    step "volumes of brain tissue, by a model of another maker"
    quiet "$kura" model register brain-tissue
    quiet "$kura" model shadow brain-tissue --why "研究用 / for research"
    quiet "$kura" import head
fi
touch "$made/.done"

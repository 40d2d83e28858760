#!/usr/bin/env bash
# Rehearse one example of three tiers on this machine: rehearse.sh CASE FOLDER, such as rehearse.sh tanf-ui /tmp/tanf-ui.
# Every party has a folder of its own in FOLDER. Keys, cards, tiers, signatures, the network, the question, the approvals, the release: all by
# `tally`. What is left in FOLDER: the signed tiers, their pages (*.md), agreement.json, result.json.
set -euo pipefail
example=$(cd "$(dirname "$0")/$1" && pwd)
mkdir -p "$2"; cd "$2"
agencies=(); for file in "$example"/*/node.yaml; do agencies+=("$(basename "$(dirname "$file")")"); done
mapfile -t approvers < <(sed -n '/^approvers:/,/^[^ ]/s/^  \([a-z-]*\):.*/\1/p' "$example"/sharing-*.yaml)
mapfile -t stewards < <(sed -n 's/^  keys: {\(.*\)}/\1/p' "$example"/sharing-*.yaml | tr ',' '\n' | sed 's/[ :]*null//; s/ //g')

echo "== each party makes its keys, and tells the others of itself by a card"
printf 'state: state\nlisten: "127.0.0.1:0"\nnetwork: county\nagreements: [agreement.json]\n' > coordinator.yaml
tally coordinator init > coordinator.txt
tally coordinator card --out coordinator.card
for agency in "${agencies[@]}"; do
  tally node init "$agency" --coordinator 127.0.0.1:7443 --folder "$agency" > "$agency.txt"
  cp "$example/$agency"/* "$agency/"
  tally node card --config "$agency/node.yaml" --out "$agency.card"
done
for person in ana "${approvers[@]}" "${stewards[@]}"; do TALLY_HOME="$PWD/$person" tally profile init > "$person.txt"; done
tally agreement card ana --key ana/identity.key --out ana.card
for name in "${approvers[@]}"; do tally agreement card "$name" --role approver --key "$name/identity.key" --out "$name.card"; done
owner=$(sed -n 's/^  agency: //p' $(grep -l '^stewards:' "$example"/sharing-*.yaml || true) < /dev/null | head -1)
for name in "${stewards[@]}"; do
  tally agreement card "$name" --role steward --agency "$owner" --key "$name/identity.key" --out "$name.card"
done
cards=(); for card in *.card; do cards+=(--from "$card"); done

echo "== the three tiers: each is drafted, checked against its guide, signed by those whom it concerns, and written as a page"
tally agreement new "$example/memorandum.yaml" "${cards[@]}" --out memorandum.json
under=(--under memorandum.json); files=(memorandum.json)
for draft in "$example"/sharing-*.yaml; do
  name=$(basename "$draft" .yaml).json
  tally agreement new "$draft" "${cards[@]}" --under memorandum.json --out "$name"
  files+=("$name")
done
for file in "${files[@]}"; do
  tally agreement lint "$file"
  for agency in "${agencies[@]}"; do tally agreement sign "$file" --as "$agency" --key "$agency/identity.key"; done
done
for file in "${files[@]:1}"; do under+=(--under "$file"); done
tally agreement new "$example/license.yaml" "${cards[@]}" "${under[@]}" --out license.json
tally agreement lint license.json
for agency in "${agencies[@]}"; do tally agreement sign license.json --as "$agency" --key "$agency/identity.key"; done
tally agreement sign license.json --as ana --key ana/identity.key
for file in "${files[@]}" license.json; do tally agreement render "$file" --out "${file%.json}.md"; done

echo "== what they allow together, which every node works out again"
tally agreement bind "${files[@]}" license.json --out agreement.json
tally agreement lint agreement.json
tally agreement check agreement.json
tally agreement render agreement.json --out agreement.md

echo "== the network"
trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT
tally coordinator serve 2> coordinator.log &
until [ -s state/address ]; do sleep 0.1; done
address=$(cat state/address)
for agency in "${agencies[@]}"; do
  cp agreement.json "$agency/"
  sed -i "s/127.0.0.1:7443/$address/" "$agency/node.yaml"
  tally coordinator invite --agency "$agency" --out "$agency.invite"
  tally node join "$agency.invite" --config "$agency/node.yaml"
  tally node serve --config "$agency/node.yaml" 2> "$agency.log" &
done
tally coordinator invite --analyst ana --out ana.invite
TALLY_HOME="$PWD/ana" tally profile join ana.invite
for name in "${approvers[@]}"; do
  tally coordinator invite --approver "$name" --out "$name.invite"
  TALLY_HOME="$PWD/$name" tally profile join "$name.invite"
done

echo "== the question"
export TALLY_HOME="$PWD/ana"
tally job submit "$example/job.yaml" --agreement agreement.json --format json > job.json
job=$(python3 -c 'import json; print(json.load(open("job.json"))["job"])')
waits() { until tally node pending --config "$1/node.yaml" --format json 2> /dev/null | grep -q "$2"; do sleep 0.3; done; }
for agency in "${agencies[@]}"; do
  waits "$agency" "$job"
  steward=(); if [ "$agency" = "$owner" ]; then steward=(--steward "${stewards[0]}" --key "${stewards[0]}/identity.key"); fi
  tally node approve "$job" --config "$agency/node.yaml" "${steward[@]}"
done
for name in "${approvers[@]}"; do TALLY_HOME="$PWD/$name" tally job approve "$job" --agreement agreement.json; done
desk=$(sed -n 's/^desk: //p' "$example/license.yaml")
waits "$desk" release
tally node show "$job" --config "$desk/node.yaml"
steward=(); if [ "$desk" = "$owner" ]; then steward=(--steward "${stewards[0]}" --key "${stewards[0]}/identity.key"); fi
tally node approve "$job" --config "$desk/node.yaml" "${steward[@]}"

echo "== the answer"
tally job watch "$job"
tally job result "$job" --out result.json
tally result show result.json
tally result verify result.json

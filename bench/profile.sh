#!/usr/bin/env bash
# Where the instructions of one operation of giambio go: the functions that were not inlined, with all that was inlined
# into them.
#   bench/profile.sh BENCH [N]
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || { sed -n '2,4s/^# *//p' "$0" >&2; exit 2; }
cargo build --quiet --release -p giambio-micro
out=$(mktemp)
trap 'rm -f "$out"' EXIT
line=$(valgrind -q --tool=callgrind --collect-atstart=no --callgrind-out-file="$out" \
    "${CARGO_TARGET_DIR:-target}/release/giambio-micro" "$1" "${2:-20000}")
ops=${line#ops=}
callgrind_annotate --auto=no --threshold=100 "$out" | awk -v ops="${ops%% *}" '
    $2 ~ /^\(/ && /[0-9]/ {
        count = $1; gsub(",", "", count)
        name = $0; sub(/^ *[0-9,]+ \( *[0-9.]+%\) */, "", name); sub(/ \[[^]]*\]$/, "", name)
        sub(/^([^ ]*\.(rs|c|h|S)|\?\?\?):/, "", name)
        sum[name] += count / ops
    }
    END { for (name in sum) printf "%10.1f  %s\n", sum[name], name }' | sort -rn | head -20

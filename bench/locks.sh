#!/usr/bin/env bash
# Instructions of an operation with the locks of several libraries, all between giambio's tasks, and the bytes of who waits.
#   bench/locks.sh [BENCH...]
set -eu
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "install valgrind (apt-get install valgrind)" >&2; exit 1; }
cargo build --quiet --release -p locks-micro
locks=${CARGO_TARGET_DIR:-target}/release/locks-micro
[ $# -gt 0 ] || set -- lock permit lock_2 lock_100 waiter
variants=(giambio giambio-shared tokio async-lock futures)
printf '%-10s' benchmark
printf '%16s' "${variants[@]}"
printf '\n'
for bench in "$@"; do
    printf '%-10s' "$bench"
    for variant in "${variants[@]}"; do
        out=$(mktemp)
        if line=$(valgrind -q --tool=callgrind --collect-atstart=no --callgrind-out-file="$out" \
            "$locks" "$variant" "$bench" 20000 2>/dev/null); then
            instructions=$(awk '/^(summary|totals):/ { sum = $2 } END { print sum }' "$out")
            awk -v sum="$instructions" -v line="$line" 'BEGIN {
                count = split(line, words, " ")
                for (i = 1; i <= count; i++) { split(words[i], pair, "="); is[pair[1]] = pair[2] }
                printf "%16.1f", ("waiter" in is) ? is["waiter"] : sum / is["ops"]
            }'
        else
            printf '%16s' -
        fi
        rm -f "$out"
    done
    printf '\n'
done

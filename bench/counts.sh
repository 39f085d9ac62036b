#!/usr/bin/env bash
# Instructions, allocations and bytes per operation of giambio alone: what to look at while changing the core.
#   bench/counts.sh [BENCH...]
set -eu
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "install valgrind (apt-get install valgrind)" >&2; exit 1; }
cargo build --quiet --release -p giambio-micro
cargo build --quiet --release -p alloc-count
bin=${CARGO_TARGET_DIR:-target}/release
[ $# -gt 0 ] || set -- spawn_seq spawn_batch tree yield_1 yield_100 yield_10000 selfwake_1 selfwake_100 selfwake_10000 \
    pingpong depth_1 depth_10 depth_100 timer_set timer_cancel_1000 timer_cancel_100000 timer_fire cancel_all parked
printf '%-20s %12s %8s %8s\n' benchmark instructions allocs bytes
for bench in "$@"; do
    case $bench in
        tree) n=111111 ;;
        yield_10000 | selfwake_10000) n=100000 ;;
        depth_*) n=2000 ;;
        *) n=20000 ;;
    esac
    out=$(mktemp)
    ops=$(valgrind -q --tool=callgrind --collect-atstart=no --callgrind-out-file="$out" "$bin/giambio-micro" "$bench" $n)
    instructions=$(awk '/^(summary|totals):/ { sum = $2 } END { print sum }' "$out")
    rm -f "$out"
    heap=$(LD_PRELOAD="$(realpath "$bin/liballoc_count.so")" "$bin/giambio-micro" "$bench" $n)
    awk -v bench="$bench" -v sum="$instructions" -v line="$ops $heap" 'BEGIN {
        count = split(line, words, " ")
        for (i = 1; i <= count; i++) { split(words[i], pair, "="); is[pair[1]] = pair[2] }
        printf "%-20s %12.1f %8.2f %8.1f\n", bench, sum / is["ops"], is["allocs"], is["bytes"]
    }'
done

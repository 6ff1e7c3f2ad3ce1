#!/usr/bin/env bash
# The figures of docs/performance.md: each from a fresh softswitch on loopback. About a minute.
# Usage: examples/sipload/measure.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-8}
ulimit -n "$(ulimit -Hn)"
cargo build --quiet --release --example softswitch --example sipload

folder=$(mktemp -d)
server=
stop() {
    if [ -n "$server" ]; then
        kill -TERM "$server" 2>/dev/null || true
        wait "$server" || true
        server=
    fi
}
trap 'stop; rm -rf "$folder"' EXIT

measure() {
    : >"$folder/events"
    # One address makes all the load, which nobody else does: the limits per source do not apply.
    target/release/examples/softswitch --listen 127.0.0.1:0 --data "$folder/data" --no-auth \
        --exempt 127.0.0.0/8 --max-handshakes 8192 --log-level warn --events "$folder/events" \
        >"$folder/screen" 2>"$folder/log" &
    server=$!
    for _ in $(seq 100); do
        address=$(sed -n 's/.*"listener":"\([^"]*\)".*/\1/p' "$folder/events" | head -n 1)
        [ -n "$address" ] && break
        sleep 0.1
    done
    target/release/examples/sipload "$@" "$address" --insecure --pid "$server" --duration "$seconds"
    stop
    tail -n 1 "$folder/log"
    echo
}

measure handshake --connections 8
measure resume --connections 8
measure options --connections 50
measure register --connections 50
measure call --connections 50
measure idle --connections 5000

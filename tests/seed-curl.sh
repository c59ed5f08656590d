#!/usr/bin/env bash
# The four curl cases that Sandpit's users know from its predecessor, against a
# running demo. Only the gateway's port differs from the original words.
#
#   sandpit demo &
#   tests/seed-curl.sh
#
# HOST is where the demo serves, TWS_PORT where its simulated gateway listens.
set -euo pipefail

HOST=${HOST:-http://localhost:8000}
TWS_PORT=${TWS_PORT:-4002}
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
passed=0

# expect NAME STATUS PATTERN: the answer of the last call must be like this.
expect() {
    if [[ $status != "$2" ]] || ! grep -qE "$3" "$answer"; then
        echo "FAILED: $1: wanted $2 and /$3/, got $status:" >&2
        cat "$answer" >&2
        exit 1
    fi
    passed=$((passed + 1))
    echo "ok: $1"
}

# call ARGUMENTS: curl with these, keeping status and body.
call() {
    status=$(curl -sS -o "$answer" -w '%{http_code}' "$@")
}

# Case 1: connect and get positions.
call -X POST "$HOST/api/v1/connect_tws" -H "Content-Type: application/json" \
    -d "{\"host\": \"127.0.0.1\", \"port\": $TWS_PORT, \"clientId\": 1}"
expect "connect" 200 '"status":"(already_)?connected"'
call "$HOST/api/v1/get_positions"
expect "positions" 200 '"symbol":"[A-Z]+"'

# Case 2: historical data for an ETF.
call -X POST "$HOST/api/v1/get_historical_data" -H "Content-Type: application/json" -d '{
  "contract": {"symbol": "VTI", "secType": "STK", "exchange": "SMART", "currency": "USD"},
  "durationStr": "30 D",
  "barSizeSetting": "1 day"
}'
expect "history" 200 '"close":[0-9.]+'

# Case 3: stream market data; the connection stays open until curl leaves.
code=0
curl -sS -N --max-time 4 "$HOST/api/v1/stream_market_data?symbol=SPY&secType=STK" >"$answer" || code=$?
status=$code
expect "stream stays open and carries quotes" 28 '^event: ?quote'

# Case 4: place and cancel an order.
call -X POST "$HOST/api/v1/place_order" -H "Content-Type: application/json" -d '{
  "contract": {"symbol": "AAPL", "secType": "STK", "exchange": "SMART", "currency": "USD"},
  "order": {"action": "BUY", "totalQuantity": 1, "orderType": "MKT"}
}'
expect "place" 200 '"orderId":[0-9]+'
order=$(grep -oE '"orderId":[0-9]+' "$answer" | head -1 | cut -d: -f2)
call -X DELETE "$HOST/api/v1/cancel_order/$order"
# A market order is often filled before a cancel can reach it.
if [[ $status == 200 ]]; then
    expect "cancel" 200 "\"orderId\":$order"
else
    expect "cancel comes after the fill" 422 'filled'
fi
call -X DELETE "$HOST/api/v1/cancel_order/12345"
expect "an unknown order is not found" 404 '12345'

echo "$passed cases passed"

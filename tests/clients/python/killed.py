"""A client that is killed in the middle of a stream: the host frees everything it held.

Without arguments this is the check. With an era it is the client that is killed.
"""

import signal
import subprocess
import sys

import anyio
import checks
from checks import URL, check, eventually
from mcp import Client


async def stream_until_killed(era):
    async with Client(URL, mode="auto" if era == "modern" else "legacy") as client:
        arguments = {"symbol": "SPY", "duration_seconds": 3600}
        await client.call_tool("ibkr_stream_market_data", arguments)


def kill_a_client(era):
    client = subprocess.Popen([sys.executable, __file__, era])
    try:
        eventually(f"a {era} client streams", lambda: checks.lines_in_use() == 1)
        check(f"the {era} client's call runs", checks.calls_running() == 1)
    finally:
        client.send_signal(signal.SIGKILL)
        client.wait()
    eventually(f"no call of the {era} client is left", lambda: checks.calls_running() == 0)
    eventually(f"no line of the {era} client is left", lambda: checks.lines_in_use() == 0)


if len(sys.argv) > 1:
    anyio.run(stream_until_killed, sys.argv[1])
else:
    for each in ("modern", "legacy"):
        kill_a_client(each)
    checks.done()

"""The Inspector's command line against Sandpit, in the protocol era that the command line names.

    inspector.py FOLDER-OF-ITS-COMMANDS modern|legacy
"""

import asyncio
import json
import pathlib
import subprocess
import sys

import checks
from checks import URL, check

commands, era = pathlib.Path(sys.argv[1]), sys.argv[2]
COMMAND = [
    commands / "node", commands / "mcp-inspector", "--cli", URL, "--transport", "http",
    "--protocol-era", era, "--quiet",
]


def inspect(*arguments):
    """Runs it once, for the exit code and what it printed."""
    # A process that pipes its output may be cut off at its end; a file takes all.
    file = checks.FOLDER / "inspected.json"
    file.unlink(missing_ok=True)
    done = subprocess.run(
        COMMAND + ["--output", file, *arguments], capture_output=True, text=True
    )
    answer = json.loads(file.read_text()) if file.exists() else None
    return done.returncode, answer, done.stderr


async def call(tool, arguments):
    code, answer, said = inspect(
        "--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)
    )
    if code or not answer:
        return said
    return answer["structuredContent"]


code, answer, said = inspect("--method", "tools/list", "--strict")
check("finds no fault with the schemas", code == 0, said)
names = {tool["name"] for tool in (answer or {"tools": []})["tools"]}
check("lists all tools", names == checks.TOOLS, said)
asyncio.run(checks.call_each_tool(call))
code, answer, said = inspect(
    "--method", "tools/call", "--tool-name", "ibkr_get_order_status", "--tool-args-json", "{}"
)
check("is told of a missing argument", code != 0 and "orderId" in f"{answer} {said}", (answer, said))
checks.restart_host()
code, answer, said = inspect("--method", "tools/list")
check("goes on after the host was started again", code == 0, said)
checks.done()

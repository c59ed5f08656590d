"""What the scripts of this folder share: checks, and the host that they are run against.

The runner (../run.py) has started a demo in the folder that SANDPIT_FOLDER names. What is
left of a script without these checks is an example of its client.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

FOLDER = pathlib.Path(os.environ["SANDPIT_FOLDER"])
URL = os.environ["SANDPIT_URL"]
CALLS = json.loads((pathlib.Path(__file__).parent.parent / "calls.json").read_text())
TOOLS = {call["tool"] for call in CALLS}

# How long anything may take. It bounds a hang; it measures nothing.
PATIENCE = 60

failed = False


def check(name, holds, seen=""):
    """Prints one line about one thing that must hold."""
    global failed
    failed = failed or not holds
    print(f"  {'ok  ' if holds else 'FAIL'} {name}{'' if holds else f': {seen}'}", flush=True)


def done():
    """Ends the script, with a failure if a check failed."""
    sys.exit(1 if failed else 0)


def eventually(name, holds):
    """Checks that something comes to hold."""
    end = time.monotonic() + PATIENCE
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    check(name, held, "it never came to that")


async def call_each_tool(call):
    """Calls every tool in turn; `call` answers with the structured content of its result."""
    kept = None
    for wanted in CALLS:
        arguments = {
            name: kept if value == "kept" else value for name, value in wanted["arguments"].items()
        }
        answer = await call(wanted["tool"], arguments)
        check(f"calls {wanted['tool']}", answer and answer.get(wanted["answers"]), answer)
        if wanted.get("keep"):
            kept = answer["orderId"]


def status():
    """What the operator sees of the running host."""
    asked = [os.environ["SANDPIT"], "status", "--json", "--url", URL.split("/api/")[0]]
    return json.loads(subprocess.run(asked, capture_output=True, check=True, text=True).stdout)


def lines_in_use():
    """How many market data lines all tools together hold."""
    return sum(tool["usage"]["marketDataLines"] for tool in status()["tools"])


def calls_running():
    """How many calls run."""
    return status()["running"]


def add_tool():
    """Puts another tool into the folder that the host watches."""
    shutil.copy(FOLDER / "spare/fixture_tool.wasm", FOLDER / "tools/fixture_tool.wasm")


def restart_host():
    """Has the host stopped and started again on the same port."""
    trigger = FOLDER / "restart"
    trigger.touch()
    eventually("the host is started again", lambda: not trigger.exists())


def remove_tool():
    """Takes it out again."""
    (FOLDER / "tools/fixture_tool.wasm").unlink()

"""The Python client of `fastmcp` against Sandpit, in the protocol era that the command line names."""

import asyncio
import sys

import anyio
import checks
from checks import URL, check, eventually
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.messages import MessageHandler
from fastmcp.exceptions import ToolError

modern = sys.argv[1] == "modern"
AN_ORDER = {"symbol": "AAPL", "action": "BUY", "quantity": 1, "orderType": "LMT", "limitPrice": 1}
ENDLESS = {"symbol": "SPY", "duration_seconds": 600}

says_yes = True
questions = []
logs = []
changed = asyncio.Event()


async def ask_the_person(message, _form, _params, _context):
    questions.append(message)
    return {"confirm": True} if says_yes else ElicitResult(action="decline")


async def on_log(message):
    logs.append(message.data)


class Changes(MessageHandler):
    async def on_tool_list_changed(self, _message):
        changed.set()


def connect():
    """A client in the wanted era. "auto" tries the newest protocol first."""
    return Client(
        URL,
        mode="auto" if modern else "legacy",
        elicitation_handler=ask_the_person,
        log_handler=on_log,
        message_handler=Changes(),
    )


async def main():
    async with connect() as client:
        version = "2026-07-28" if modern else "2025-11-25"
        check(f"speaks {version}", client.protocol_version == version, client.protocol_version)
        tools = {tool.name for tool in await client.list_tools()}
        check("lists all tools", tools == checks.TOOLS, tools)

        async def call(tool, arguments):
            result = await client.call_tool(tool, arguments, raise_on_error=False)
            return None if result.is_error else result.structured_content

        await checks.call_each_tool(call)
        await refusals(client)
        await declines(client)
        await streams(client)
        await cancels(client)
        await subscribes(client)
    checks.restart_host()
    # A client that has ended can be used again, and connects anew.
    async with connect() as client:
        result = await client.call_tool("ibkr_get_positions", {})
        positions = result.structured_content["positions"]
        check("goes on after the host was started again", positions, result)


async def refusals(client):
    for name, tool, arguments, word in [
        ("is told of a wrong argument", "ibkr_get_order_status", {"orderId": "one"}, "orderId"),
        ("is refused a tool that does not exist", "ibkr_no_such_tool", {}, "ibkr_no_such_tool"),
    ]:
        try:
            result = await client.call_tool(tool, arguments)
            check(name, False, result)
        except Exception as error:
            check(name, word in str(error), error)


async def declines(client):
    global says_yes
    asked = len(questions)
    check("was asked to confirm its orders", asked > 0 and "AAPL" in questions[0], questions)
    says_yes = False
    try:
        result = await client.call_tool("ibkr_place_order", AN_ORDER)
        check("sends nothing that is declined", False, result)
    except ToolError as error:
        check("sends nothing that is declined", "did not confirm" in str(error), error)
    says_yes = True
    check("is asked again for another order", len(questions) == asked + 1, questions)


async def streams(client):
    logs.clear()
    progress = []

    async def on_progress(done, _total, _message):
        progress.append(done)

    arguments = {"symbol": "SPY", "duration_seconds": 2}
    await client.call_tool("ibkr_stream_market_data", arguments, progress_handler=on_progress)
    quotes = [log for log in logs if isinstance(log, dict) and log.get("event") == "quote"]
    check("gets quotes as they come", quotes, logs)
    check("gets progress that grows", progress and progress == sorted(progress), progress)


async def cancels(client):
    async with anyio.create_task_group() as calls:
        calls.start_soon(client.call_tool, "ibkr_stream_market_data", ENDLESS)
        with anyio.fail_after(checks.PATIENCE):
            while not await anyio.to_thread.run_sync(checks.lines_in_use):
                await anyio.sleep(0.05)
        calls.cancel_scope.cancel()
    await anyio.to_thread.run_sync(
        eventually, "frees the line of a call that it cancels", lambda: not checks.lines_in_use()
    )
    await anyio.to_thread.run_sync(
        eventually, "ends a call that it cancels", lambda: not checks.calls_running()
    )


async def subscribes(client):
    with anyio.fail_after(checks.PATIENCE):
        if modern:
            # fastmcp leaves subscriptions to the session of the SDK below it.
            from mcp.client.subscriptions import listen

            async with listen(client.session, tools_list_changed=True) as changes:
                await hears_of_a_tool(client, lambda: anext(aiter(changes)))
        else:
            # An older client hears of it without asking.
            await hears_of_a_tool(client, told)


async def told():
    """Waits until the list of tools has changed once more."""
    await changed.wait()
    changed.clear()


async def hears_of_a_tool(client, hears):
    checks.add_tool()
    await hears()
    names = {tool.name for tool in await client.list_tools()}
    check("hears of a new tool and sees it", names - checks.TOOLS == {"fixture_tool"}, names)
    checks.remove_tool()
    await hears()
    names = {tool.name for tool in await client.list_tools()}
    check("hears that it is gone again", names == checks.TOOLS, names)


asyncio.run(main())
checks.done()

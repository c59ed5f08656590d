"""The Python SDK `mcp` against Sandpit, in the protocol era that the command line names."""

import asyncio
import sys
import warnings

import anyio
import checks
from checks import URL, check, eventually
from mcp import Client, MCPError
from mcp_types import ElicitResult, ResourceUpdatedNotification, ToolListChangedNotification

# Legacy clients still use what the newest protocol has deprecated.
warnings.simplefilter("ignore")

modern = sys.argv[1] == "modern"
AN_ORDER = {"symbol": "AAPL", "action": "BUY", "quantity": 1, "orderType": "LMT", "limitPrice": 1}
POSITIONS = "ibkr://positions"
ENDLESS = {"symbol": "SPY", "duration_seconds": 600}


class Person:
    """The person in front of the client, who is asked before an order goes out."""

    def __init__(self):
        self.says_yes = True
        self.questions = []

    async def answer(self, _context, params):
        self.questions.append(params.message)
        if self.says_yes:
            return ElicitResult(action="accept", content={"confirm": True})
        return ElicitResult(action="decline")


person = Person()
logs = []
changed = asyncio.Event()
updated = asyncio.Event()


async def on_log(params):
    logs.append(params.data)


async def on_message(message):
    if isinstance(message, ToolListChangedNotification):
        changed.set()
    if isinstance(message, ResourceUpdatedNotification) and message.params.uri == POSITIONS:
        updated.set()


def connect():
    """A client in the wanted era. "auto" tries the newest protocol first."""
    return Client(
        URL,
        mode="auto" if modern else "legacy",
        elicitation_callback=person.answer,
        logging_callback=on_log,
        log_level="info",
        message_handler=on_message,
    )


async def structured(client, tool, arguments):
    result = await client.call_tool(tool, arguments)
    check(f"{tool} succeeds", not result.is_error, result.content)
    return result.structured_content


async def main():
    async with connect() as client:
        version = "2026-07-28" if modern else "2025-11-25"
        check(f"speaks {version}", client.protocol_version == version, client.protocol_version)
        tools = (await client.list_tools()).tools
        check("lists all tools", {tool.name for tool in tools} == checks.TOOLS, tools)

        async def call(tool, arguments):
            result = await client.call_tool(tool, arguments)
            return None if result.is_error else result.structured_content

        await checks.call_each_tool(call)
        await refusals(client)
        await questions(client)
        await streams(client)
        await cancels(client)
        await subscribes(client)
        await watches(client)
        checks.restart_host()
        if modern:
            # Nothing was agreed on that the new host would not know of.
            await reconnected(client)
    # There is no session any more; the client opens another one.
    async with connect() as client:
        await reconnected(client)


async def refusals(client):
    result = await client.call_tool("ibkr_get_order_status", {"orderId": "one"})
    check("is told of a wrong argument", result.is_error and "orderId" in result.content[0].text)
    try:
        result = await client.call_tool("ibkr_no_such_tool", {})
        check("is refused a tool that does not exist", False, result)
    except MCPError as error:
        check("is refused a tool that does not exist", error.error.code == -32602, error)


async def questions(client):
    asked = len(person.questions)
    check("was asked to confirm its orders", asked > 0)
    check("is asked in the host's words", person.questions[0].count("AAPL") > 0, person.questions)
    person.says_yes = False
    result = await client.call_tool("ibkr_place_order", AN_ORDER)
    person.says_yes = True
    check("is asked again for another order", len(person.questions) == asked + 1)
    said = result.content[0].text
    check("sends nothing that is declined", result.is_error and "did not confirm" in said, said)


async def streams(client):
    logs.clear()
    progress = []

    async def on_progress(done, total, _message):
        progress.append(done)

    arguments = {"symbol": "SPY", "duration_seconds": 2}
    await client.call_tool("ibkr_stream_market_data", arguments, progress_callback=on_progress)
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
            async with client.listen(tools_list_changed=True) as changes:
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
    names = {tool.name for tool in (await client.list_tools()).tools}
    check("hears of a new tool and sees it", names - checks.TOOLS == {"fixture_tool"}, names)
    checks.remove_tool()
    await hears()
    names = {tool.name for tool in (await client.list_tools()).tools}
    check("hears that it is gone again", names == checks.TOOLS, names)


async def watches(client):
    listed = {str(resource.uri) for resource in (await client.list_resources()).resources}
    check("lists resources", POSITIONS in listed, listed)
    a_fill = {"symbol": "SPY", "action": "BUY", "quantity": 3, "orderType": "MKT"}
    with anyio.fail_after(checks.PATIENCE):
        if modern:
            async with client.listen(resource_subscriptions=[POSITIONS]) as changes:
                await structured(client, "ibkr_place_order", a_fill)
                await anext(aiter(changes))
        else:
            await client.subscribe_resource(POSITIONS)
            await structured(client, "ibkr_place_order", a_fill)
            await updated.wait()
            await client.unsubscribe_resource(POSITIONS)
    read = (await client.read_resource(POSITIONS, cache_mode="bypass")).contents[0].text
    check("hears of a fill in its positions, and reads them", "SPY" in read, read)


async def reconnected(client):
    positions = await structured(client, "ibkr_get_positions", {})
    check("goes on after the host was started again", positions["positions"], positions)


asyncio.run(main())
checks.done()

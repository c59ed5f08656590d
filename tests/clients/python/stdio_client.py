"""The Python SDK `mcp` starts Sandpit itself and talks to it over standard input and output."""

import os

import anyio
import checks
from checks import check
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client


async def started(era):
    # The SDK hands on no environment but what it is told to.
    environment = {
        name: value for name, value in os.environ.items() if name.startswith("SANDPIT_")
    }
    host = StdioServerParameters(
        command=os.environ["SANDPIT"],
        args=["demo", "--stdio", "--tools", str(checks.FOLDER / "tools")],
        env=environment,
    )
    logs = []

    async def on_log(params):
        logs.append(params.data)

    with open(checks.FOLDER / f"{era}.log", "w") as log:
        # StdioServerParameters would do in place of the transport; this keeps the host's log.
        transport = stdio_client(host, errlog=log)
        mode = "auto" if era == "modern" else "legacy"
        async with Client(
            transport, mode=mode, logging_callback=on_log, log_level="info"
        ) as client:
            version = "2026-07-28" if era == "modern" else "2025-11-25"
            check(f"speaks {version}", client.protocol_version == version, client.protocol_version)
            tools = {tool.name for tool in (await client.list_tools()).tools}
            check("lists all tools", tools == checks.TOOLS, tools)

            async def call(tool, arguments):
                result = await client.call_tool(tool, arguments)
                return None if result.is_error else result.structured_content

            await checks.call_each_tool(call)
            quotes = [log for log in logs if isinstance(log, dict) and log["event"] == "quote"]
            check("gets quotes as they come", quotes, logs)
    log = (checks.FOLDER / f"{era}.log").read_text()
    check("the host let go of TWS when its client left", "Disconnected from TWS" in log, log[-2000:])


for each in ("modern", "legacy"):
    anyio.run(started, each)
checks.done()

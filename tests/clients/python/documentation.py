"""Every client configuration in README.md and docs/ is tried: a generic client reads it and
connects as it says.
"""

import asyncio
import json
import os
import pathlib
import re
import subprocess
import tomllib

import checks
import httpx2
from checks import check
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SANDPIT = os.environ["SANDPIT"]


def configurations():
    """Each server of each configuration, and where it stands."""
    for page in PAGES:
        for kind, text in re.findall(r"^```(json|toml)\n(.*?)^```", page.read_text(), re.M | re.S):
            if '"mcpServers"' in text or '"servers"' in text or "[mcp_servers." in text:
                read = json.loads(text) if kind == "json" else tomllib.loads(text)
                for servers in read.values():
                    for server in servers.values():
                        yield page.name, server


class Guarded:
    """A host that lets in no one without a token, and a token for it."""

    def __init__(self):
        # As it is shipped, no one gets in without one.
        text = (checks.FOLDER / "sandpit.toml").read_text()
        # Nobody is there to connect to.
        text = text.replace("port = 7497", "port = 1")
        # What a client starts has a journal and a tool folder as the file says.
        text = text.replace('folder = "target/plugins"', 'folder = "tools"')
        self.config = checks.FOLDER / "guarded.toml"
        self.config.write_text(text)
        # A client hands on few variables, so the file must do.
        self.environment = {
            name: value for name, value in os.environ.items() if name != "SANDPIT_CONFIG"
        }

    def __enter__(self):
        make = ["token", "new", "--name", "tried", "--tools", "*", "--config", self.config]
        self.token = subprocess.run(
            [SANDPIT, *make], check=True, capture_output=True, text=True, env=self.environment
        ).stdout.strip()
        journal = self.environment | {"SANDPIT_JOURNAL__FILE": str(checks.FOLDER / "guarded.db")}
        self.process = subprocess.Popen(
            [SANDPIT, "serve", "--port", "0", "--config", self.config],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=journal,
        )
        line = self.process.stdout.readline()
        self.url = re.search(r"(http://127\.0\.0\.1:\d+)/api", line)[1]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(checks.PATIENCE)


async def answers(transport):
    """Whether a client on this transport sees the tools and can call one."""
    async with Client(transport) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("ibkr_get_status", {})
        return tools == checks.TOOLS and not result.is_error


async def refuses(url):
    """Whether the host wants a token."""
    async with httpx2.AsyncClient() as http:
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        answer = await http.post(url, json=message)
        return answer.status_code == 401


async def over_http(page, server, guarded):
    url = server.get("url") or server["httpUrl"]
    headers = dict(server.get("headers", {}))
    if variable := server.get("bearer_token_env_var"):
        check(f"{page}: names the variable of Sandpit's commands", variable == "SANDPIT_TOKEN")
        headers["Authorization"] = "Bearer sandpit_…"
    base = guarded.url if headers else checks.URL.split("/api/")[0]
    there = re.sub(r"^https?://[^/]+", base, url)
    headers = {name: value.replace("sandpit_…", guarded.token) for name, value in headers.items()}
    async with httpx2.AsyncClient(headers=headers) as http:
        reached = await answers(streamable_http_client(there, http_client=http))
    check(f"{page}: {url}{' with a token' if headers else ''}", reached)
    if headers:
        check(f"{page}: the token is needed", await refuses(there))


async def over_pipes(page, server, guarded):
    # Its own journal: no host shares one.
    given = {
        "/path/to/sandpit": SANDPIT,
        "/path/to/sandpit.toml": str(guarded.config),
    }
    command = given[server["command"]]
    arguments = [given.get(argument, argument) for argument in server["args"]]
    # Compiled tools are shared with the other tests, and a home is not touched.
    cache = "SANDPIT_SANDBOX__CACHE_FOLDER"
    environment = {cache: os.environ[cache], "HOME": str(checks.FOLDER)}
    host = StdioServerParameters(command=command, args=arguments, env=environment, cwd="/")
    check(f"{page}: {' '.join([server['command'], *server['args'][:2]])}", await answers(host))


def with_curl(guarded):
    """The call with curl, as it stands there."""
    page = (ROOT / "docs/connecting.md").read_text()
    [command] = re.findall(r"^```sh\n(curl .*?)^```", page, re.M | re.S)
    command = command.replace("http://127.0.0.1:8000", guarded.url)
    environment = os.environ | {"SANDPIT_TOKEN": guarded.token}
    said = subprocess.run(
        ["bash", "-c", command.replace("ibkr_get_positions", "ibkr_get_status")],
        capture_output=True, text=True, env=environment,
    )
    check("connecting.md: curl", '"structuredContent"' in said.stdout, said)


async def main():
    tried = 0
    with Guarded() as guarded:
        with_curl(guarded)
        for page, server in configurations():
            tried += 1
            if "command" in server:
                await over_pipes(page, server, guarded)
            else:
                await over_http(page, server, guarded)
    # The pages have at least one for each client that they name.
    check("the pages have configurations", tried >= 9, tried)


asyncio.run(main())
checks.done()

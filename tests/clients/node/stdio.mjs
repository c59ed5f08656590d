// The TypeScript SDK `@modelcontextprotocol/sdk` starts Sandpit itself and talks to it over
// standard input and output.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

import { FOLDER, TOOLS, callEachTool, check, eventually } from "./checks.mjs";

// The SDK hands on no environment but what it is told to.
const named = Object.entries(process.env).filter(([name]) => name.startsWith("SANDPIT_"));
const transport = new StdioClientTransport({
  command: process.env.SANDPIT,
  args: ["demo", "--stdio", "--tools", `${FOLDER}/tools`],
  env: Object.fromEntries(named),
  stderr: "pipe",
});
let log = "";
transport.stderr.on("data", (text) => {
  log += text;
});
const client = new Client({ name: "sandpit-check", version: "1.0.0" });
await client.connect(transport);
const names = (await client.listTools()).tools.map((tool) => tool.name);
check("lists all tools", JSON.stringify(names) === JSON.stringify(TOOLS), names);
await callEachTool((tool, given) => client.callTool({ name: tool, arguments: given }));
await client.close();
await eventually("the host lets go of TWS when its client leaves", () =>
  log.includes("Disconnected from TWS"),
);

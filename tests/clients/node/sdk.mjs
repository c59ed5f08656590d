// The TypeScript SDK `@modelcontextprotocol/sdk` against Sandpit. It speaks the protocol up to
// 2025-11-25.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";

import {
  TOOLS,
  URL_OF_HOST,
  addTool,
  callEachTool,
  callsRunning,
  check,
  eventually,
  linesInUse,
  removeTool,
  restartHost,
} from "./checks.mjs";

const anOrder = { symbol: "AAPL", action: "BUY", quantity: 1, orderType: "LMT", limitPrice: 1 };
const logs = [];
const questions = [];
let saysYes = true;
let changes = 0;

/** A client of a person who is asked before an order goes out. */
async function connect() {
  const client = new Client(
    { name: "sandpit-check", version: "1.0.0" },
    { capabilities: { elicitation: {} } },
  );
  client.setRequestHandler(ElicitRequestSchema, (request) => {
    questions.push(request.params.message);
    return saysYes ? { action: "accept", content: { confirm: true } } : { action: "decline" };
  });
  client.setNotificationHandler(LoggingMessageNotificationSchema, (notification) => {
    logs.push(notification.params.data);
  });
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    changes += 1;
  });
  const transport = new StreamableHTTPClientTransport(URL_OF_HOST);
  await client.connect(transport);
  return { client, transport };
}

let { client, transport } = await connect();
check("speaks 2025-11-25", transport.protocolVersion === "2025-11-25", transport.protocolVersion);
const { tools } = await client.listTools();
const names = tools.map((tool) => tool.name);
check("lists all tools", JSON.stringify(names) === JSON.stringify(TOOLS), names);

await callEachTool((tool, given) => client.callTool({ name: tool, arguments: given }));

const wrong = await client.callTool({
  name: "ibkr_get_order_status",
  arguments: { orderId: "one" },
});
const sentence = wrong.content[0].text;
check("is told of a wrong argument", wrong.isError && sentence.includes("orderId"), wrong);
const nothing = await client.callTool({ name: "ibkr_no_such_tool" }).catch((error) => error);
check("is refused a tool that does not exist", nothing.code === -32602, nothing);

const asked = questions.length;
check("was asked to confirm its orders", asked > 0 && questions[0].includes("AAPL"), questions);
saysYes = false;
const declined = await client.callTool({ name: "ibkr_place_order", arguments: anOrder });
saysYes = true;
check("is asked again for another order", questions.length === asked + 1, questions);
const said = declined.content[0].text;
check("sends nothing that is declined", declined.isError && said.includes("did not confirm"), said);

logs.length = 0;
const progress = [];
await client.callTool(
  { name: "ibkr_stream_market_data", arguments: { symbol: "SPY", duration_seconds: 2 } },
  undefined,
  { onprogress: (step) => progress.push(step.progress) },
);
check("gets quotes as they come", logs.some((log) => log.event === "quote"), logs);
const grows = progress.every((step, index) => index === 0 || step > progress[index - 1]);
check("gets progress that grows", progress.length > 0 && grows, progress);

const abort = new AbortController();
const endless = client
  .callTool(
    { name: "ibkr_stream_market_data", arguments: { symbol: "SPY", duration_seconds: 600 } },
    undefined,
    { signal: abort.signal },
  )
  .catch((error) => error);
await eventually("holds a line while it streams", () => linesInUse() === 1);
abort.abort("enough");
check("gives up a call that it cancels", (await endless) instanceof Error);
await eventually("frees the line of a call that it cancels", () => linesInUse() === 0);
await eventually("ends a call that it cancels", () => callsRunning() === 0);

const before = changes;
addTool();
await eventually("hears of a new tool", () => changes > before);
const more = (await client.listTools()).tools.map((tool) => tool.name);
check("sees the new tool", more.includes("fixture_tool"), more);
removeTool();

await restartHost();
// Its session is gone: the host says 404, and the client opens another one.
const lost = await client.callTool({ name: "ibkr_get_positions" }).catch((error) => error);
check("learns that its session is gone", lost.code === 404, lost);
await client.close().catch(() => {});
({ client, transport } = await connect());
const { structuredContent } = await client.callTool({ name: "ibkr_get_positions" });
check("goes on after the host was started again", structuredContent?.positions?.length > 0);

await transport.terminateSession();
await client.close();

// Gateways, live calls and tools.

import { Table, at, gauge, make, mark, moment, say } from "./dom.js";
import { count, duration, several } from "./words.js";

const GATEWAY_STATES = {
  connected: "good", connecting: "note", closed: "note", restarting: "warn", "link-down": "warn",
};

const gateways = {
  caption: "Connections to TWS or IB Gateway, how they stand and what they use",
  empty: "No gateway is configured.",
  columns: [
    { title: "Gateway", cell: ({ name }) => make("strong", {}, name) },
    { title: "State", cell: ({ state }) => mark(GATEWAY_STATES[state] ?? "bad", state) },
    { title: "Since", class: "number extra", cell: ({ since }) => moment(since) },
    { title: "TWS", class: "extra", cell: ({ host, port, clientId }) => `${host}:${port}, client ${clientId}` },
    {
      title: "Accounts", class: "extra",
      cell: ({ accounts, accountKind }) => (accounts.length ? `${accounts.join(", ")} (${accountKind})` : "–"),
    },
    { title: "Mode", cell: ({ mode, readOnly }) => (readOnly ? `${mode}, read only` : mode) },
    { title: "Trading", cell: ({ halt }) => (halt ? mark("bad", "halted") : mark("good", "open")) },
    {
      title: "Messages/s", hint: "Messages to TWS within the last second, of those that may go",
      cell: ({ name, load }) => [
        gauge(`Messages per second of ${name}`, load.messages, load.messagesLimit),
        load.waiting ? mark("warn", `${count(load.waiting)} wait`) : null,
      ],
    },
    {
      title: "Data lines", hint: "Market data lines in use, of those there are",
      cell: ({ name, load }) => gauge(`Market data lines of ${name}`, load.marketDataLines, load.marketDataLinesLimit),
    },
    { title: "Asked", hint: "Requests to trade since midnight UTC", class: "number", cell: ({ today }) => todays(today, "asked") },
    { title: "Refused", class: "number", cell: ({ today }) => todays(today, "refused") },
    { title: "Placed", class: "number", cell: ({ today }) => todays(today, "placed") },
    { title: "Changed", class: "number extra", cell: ({ today }) => todays(today, "changed") },
    { title: "Cancelled", class: "number extra", cell: ({ today }) => todays(today, "cancelled") },
    { title: "Fills", class: "number", cell: ({ today }) => todays(today, "fills") },
  ],
};

const todays = (today, what) => (today && today.error === undefined ? count(today[what]) : "–");

const calls = (host) => ({
  caption: "Calls of tools that have not ended",
  empty: "No call runs or waits.",
  columns: [
    { title: "Tool", cell: ({ tool }) => tool },
    { title: "Who", class: "clip rest", cell: ({ client }) => make("span", { title: client }, client) },
    {
      title: "State",
      cell: ({ state, stream }) => (state === "waiting" ? mark("warn", "waiting") : mark("good", stream ? "streaming" : "running")),
    },
    { title: "Since", class: "number extra", cell: ({ since }) => moment(since) },
    { title: "For", class: "number", cell: ({ since }) => duration(host().since(since)) },
  ],
});

const TOOL_STATES = {
  served: "good", disabled: "note", quarantined: "warn", refused: "bad", waiting: "note",
};

/** What needs the operator stands first. */
const RANK = { quarantined: 0, refused: 1, waiting: 2, served: 3, disabled: 4 };

const tools = {
  caption: "Tools, what they may do and how they were used since the host started",
  empty: "There is no file in the tool folder.",
  note: ({ state, reason }) => (reason || state !== "served"
    ? [mark(TOOL_STATES[state] ?? "note", state), ` ${reason ?? ""}`] : null),
  detail: toolDetail,
  columns: [
    {
      title: "Tool", class: "clip name",
      cell: ({ name, file, title }) => make("span", { title: title ?? file }, name ?? `(${file})`),
    },
    {
      title: "Grants", class: "clip rest",
      cell: ({ state, asks, grants, hidden }) => {
        const words = state === "served" || grants
          ? (grants ?? []).filter((grant) => asks.includes(grant)).join(", ") || "nothing"
          : `asks for ${asks.join(", ") || "nothing"}`;
        return make("span", { title: words }, hidden ? `${words} (hidden)` : words);
      },
    },
    { title: "Calls", class: "number", cell: ({ usage }) => count(usage.calls) },
    {
      title: "Refused", class: "number", hint: "Calls that were not let do what they wanted",
      cell: ({ usage }) => hot(usage.refusals),
    },
    {
      title: "Failed", class: "number", hint: "Calls that failed for another reason",
      cell: ({ usage }) => hot(usage.failures - usage.refusals),
    },
    {
      title: "Now", class: "number", hint: "Calls that run, of those that may, and calls that wait",
      cell: ({ usage, limits }) => {
        const running = limits ? `${usage.running}/${limits.concurrentCalls}` : `${usage.running}`;
        return usage.queued ? `${running} +${usage.queued}` : running;
      },
    },
    { title: "Last", class: "number extra", cell: ({ usage }) => moment(usage.lastCalled) },
  ],
};

const hot = (number) => (number ? make("span", { class: "hot" }, count(number)) : "0");

function toolDetail(tool) {
  const { limits } = tool;
  const facts = [
    ["title", tool.title],
    ["file", tool.file],
    ["version", tool.version],
    ["SHA-256", tool.digest],
    ["size", tool.size === null ? null : `${count(tool.size)} bytes`],
    ["pinned to", tool.pin],
    ["asks for", tool.asks.join(", ") || "nothing"],
    ["is granted", tool.grants === null ? "nothing is said of it" : tool.grants.join(", ") || "nothing"],
    ["data lines", limits && `${tool.usage.marketDataLines} of ${limits.marketDataLines}`],
    ["calls at a time", limits && `${limits.concurrentCalls}, and ${count(limits.queuedCalls)} may wait`],
    ["calls a minute", limits && (limits.callsPerMinute === null ? "as many as come" : count(limits.callsPerMinute))],
    ["deadline", limits && (limits.deadlineSeconds === null ? "that of [tools]" : duration(limits.deadlineSeconds))],
    ["memory", limits && (limits.memoryMib === null ? "that of [sandbox]" : `${limits.memoryMib} MiB`)],
    ["last failed", tool.usage.lastFailed && moment(tool.usage.lastFailed)],
    ["reason", tool.reason],
  ];
  return make("dl", { class: "details" }, facts
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

/** The three tables; `host` answers the host that is watched. */
export function tables(host) {
  const shown = {
    gateways: new Table(at("gateways"), gateways),
    calls: new Table(at("calls"), calls(host)),
    tools: new Table(at("tools"), tools),
  };
  return ({ status, calls: live }) => {
    shown.gateways.show((status.gateways ?? []).map((gateway) => ({
      ...gateway, key: gateway.name, tone: gateway.halt || !gateway.connected ? "alarmed" : "",
    })));
    shown.calls.show(live.map((call) => ({ ...call, key: `${call.id} ${call.tool}` })));
    const waiting = live.filter((call) => call.state === "waiting").length;
    say(at("calls-count"), live.length ? `${live.length - waiting} running, ${waiting} waiting` : "");
    const all = status.tools.map((tool) => ({
      ...tool, key: tool.file, tone: tool.state === "served" ? "" : "apart",
    }));
    all.sort((a, b) => RANK[a.state] - RANK[b.state] || (a.name ?? a.file).localeCompare(b.name ?? b.file));
    shown.tools.show(all);
    const served = all.filter((tool) => tool.state === "served").length;
    const others = all.length - served;
    say(at("tools-count"), others ? `${served} served, ${several(others, "is not", "are not")}` : `${served} served`);
  };
}

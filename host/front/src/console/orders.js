// The latest orders, and what the risk gate said of each.

import { Table, at, make, mark, moment, say } from "./dom.js";
import { clock, money, several } from "./words.js";

const STAGES = {
  asked: "note", refused: "bad", "not-sent": "bad", sent: "note", working: "good", filled: "good",
  cancelled: "note", rejected: "bad", uncertain: "warn", "never-arrived": "warn", gone: "warn",
};

const table = {
  caption: "The latest orders with the verdicts of the risk gate",
  empty: "Nobody has asked for an order yet.",
  note,
  detail,
  columns: [
    { title: "Order", cell: ({ orderId }) => (orderId === undefined ? "no id" : `#${orderId}`) },
    { title: "Latest", class: "number", cell: ({ latest }) => moment(latest) },
    { title: "Gateway", class: "gateway", cell: ({ gateway }) => gateway ?? "" },
    { title: "What", cell: what },
    { title: "Filled", class: "number", cell: filled },
    { title: "Stage", cell: ({ stage }) => mark(STAGES[stage] ?? "note", stage.replace("-", " ")) },
    { title: "Risk gate", cell: verdict },
    { title: "By", class: "clip rest extra", cell: ({ requests }) => by(requests.at(-1)) },
  ],
};

function what({ instrument, terms, contract }) {
  const currency = contract?.currency ? ` ${contract.currency}` : "";
  return [make("strong", {}, instrument ?? ""), ` ${terms ?? ""}`, make("span", { class: "quiet" }, currency)];
}

function filled({ filled: amount, order, fills }) {
  const last = Object.values(fills).at(-1);
  const price = last && (last.avgPrice ?? last.price);
  return [
    order ? `${amount} / ${order.totalQuantity}` : amount,
    price ? make("span", { class: "quiet" }, ` at ${money(price, last.contract.currency)}`) : null,
  ];
}

function verdict({ verdict: said, requests }) {
  const outcome = requests.at(-1)?.outcome;
  if (!said) return outcome?.what === "refused" ? mark("bad", `not asked: ${outcome.by}`) : "–";
  if (said.allowed) {
    const worth = said.notional ? ` ${money(said.notional, said.baseCurrency)}` : "";
    return [mark("good", "allowed"), make("span", { class: "quiet" }, worth)];
  }
  const rules = said.checks.filter((check) => check.outcome === "refused").map((check) => check.rule);
  return mark("bad", rules.join(", ") || "refused");
}

/** Why an order is not where it was meant to be. */
function note({ verdict: said, requests }) {
  const outcome = requests.at(-1)?.outcome;
  if (outcome?.what === "rejected") return `TWS says: ${outcome.text}`;
  return outcome?.sentence ?? (said?.allowed === false ? said.sentence : null);
}

function by(request) {
  if (!request) return make("span", { class: "quiet" }, "not by this host");
  const { tool, client } = request.caller;
  return make("span", { title: `${client}, by ${tool}` }, client);
}

function detail(order) {
  const facts = [
    ["key", order.orderKey],
    ["account", order.account],
    ["client id", order.clientId],
    ["permanent id", order.permId],
    ["first asked", moment(order.since)],
    ["by the gate", order.verdict && several(order.verdict.checks.length, "rule")],
    ["commissions", Object.entries(order.commissions).map(([currency, amount]) => money(amount, currency)).join(", ") || null],
  ];
  return [
    make("dl", { class: "details" }, facts
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
    make("ol", { class: "story" }, order.requests.map(request)),
    order.verdict ? rules(order.verdict) : null,
  ];
}

const request = ({ kind, time, caller, outcome }) => make(
  "li", {},
  make("time", { datetime: time, title: time }, clock(time)),
  ` ${kind} by ${caller.tool} for ${caller.client}: ${outcome.what.replace("-", " ")}`,
  outcome.by ? ` by ${outcome.by}` : "",
  outcome.sentence || outcome.text ? `. ${outcome.sentence ?? outcome.text}` : "",
  make("span", { class: "quiet" }, ` call ${caller.callId}`),
);

const CHECKS = { passed: "good", refused: "bad", "not-applicable": "note" };

const rules = ({ checks }) => make("table", { class: "rules" },
  make("thead", {}, make("tr", {}, ["Rule", "Outcome", "What it says"].map((title) => make("th", { scope: "col" }, title)))),
  make("tbody", {}, checks.map((check) => make("tr", {},
    make("td", {}, check.rule),
    make("td", {}, mark(CHECKS[check.outcome] ?? "note", check.outcome.replace("-", " "))),
    make("td", { class: "wide" }, check.sentence),
  ))));

/** The table of orders. */
export function orders() {
  const shown = new Table(at("orders"), table);
  return ({ orders: told, trouble }) => {
    const gateways = new Set(told.map((order) => order.gateway));
    at("orders").classList.toggle("one-gateway", gateways.size < 2);
    shown.show(told.map((order) => ({
      ...order, key: order.orderKey,
      tone: order.stage === "uncertain" ? "alarmed" : "",
    })));
    say(at("orders-count"), trouble ?? (told.length ? `the latest ${told.length}` : ""));
  };
}

// The page: signing in, and showing what the host says until somebody signs out.

import { brake } from "./brake.js";
import { at, make, mark, remark, renew, say } from "./dom.js";
import { Host } from "./host.js";
import { orders } from "./orders.js";
import { tables } from "./tables.js";
import { clock, duration, utc } from "./words.js";

/** Where the token is kept: in this tab, until it is closed. */
const TOKEN = "sandpit-operator-token";

let host = null;
let latest = null;
let outcomes = [];

const showTables = tables(() => host);
const showOrders = orders();
const showBrake = brake(() => host, (words) => {
  outcomes = words;
});

async function signIn(token) {
  host?.end();
  host = new Host(token, { onAnswer: answered, onRefused: refused });
  await host.now();
  if (host && !latest) {
    at("sign-in").hidden = false;
    at("sign-in-error").textContent = "The host does not answer. The page goes on trying.";
  }
}

function answered(answer) {
  const isFirst = latest === null;
  latest = answer;
  show();
  at("sign-in").hidden = true;
  at("console").hidden = false;
  // Whoever uses the keyboard begins at the top.
  if (isFirst) at("top").focus({ preventScroll: true });
}

function refused(error) {
  sessionStorage.removeItem(TOKEN);
  signOut(error.status === 401 ? "This is not the operator’s token of this host." : error.message);
}

function signOut(words) {
  host?.end();
  host = null;
  latest = null;
  outcomes = [];
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  at("console").hidden = true;
  at("sign-in").hidden = false;
  at("sign-in-error").textContent = words;
  document.title = "Sandpit console";
  at("token").value = "";
  at("token").focus();
}

function show() {
  const { status } = latest;
  say(at("fact-host"), location.host);
  say(at("fact-version"), status.version);
  say(at("fact-sessions"), status.sessions);
  say(at("fact-running"), `${status.running} / ${status.maxRunning}`);
  at("fact-up").title = `since ${clock(status.started)} (${utc(status.started)})`;
  showTables(latest);
  showOrders(latest.orders);
  showBrake(status);
  showRemarks(status);
  tick();
}

/** Whether trading is open; of an old answer, whether it was. */
function showTrading(gateways, isStale) {
  const halted = gateways.filter((gateway) => gateway.halt).length;
  const is = isStale ? "was" : "is";
  const kind = (fresh) => (isStale ? "note" : fresh);
  if (!halted) remark(at("trading"), kind("good"), `Trading ${is} open`);
  else if (halted === gateways.length) remark(at("trading"), kind("bad"), `Trading ${is} HALTED`);
  else remark(at("trading"), kind("bad"), `Trading ${is} halted on ${halted} of ${gateways.length} gateways`);
}

/** What needs attention, in sentences. */
function showRemarks(status) {
  const words = [];
  const add = (kind, about, text) => words.push(make("p", {}, mark(kind, about), ` ${text}`));
  for (const { name, halt, connected, reason, readOnly, today } of status.gateways ?? []) {
    if (halt) add("bad", `${name} is halted`, `since ${clock(halt.since)} by ${halt.who}: ${halt.why}`);
    if (reason) add(connected ? "warn" : "bad", name, reason);
    if (readOnly) add("warn", name, "The API of this TWS is set to read only.");
    if (today?.error) add("warn", name, today.error);
  }
  if (status.journal?.trouble) add("bad", "Journal", status.journal.trouble);
  if (status.policyFault) add("warn", "Policy", status.policyFault);
  if (status.folderFault) add("warn", "Tool folder", status.folderFault);
  for (const { kind, words: text } of outcomes) add(kind, "Outcome", text);
  renew(at("remarks"), make("section", {}, words));
}

/** What changes with the clock alone. */
function tick() {
  if (!host || !latest) return;
  const { heard, age, isOld, trouble } = host.freshness();
  const time = clock(new Date(heard).toISOString());
  if (trouble) {
    remark(at("freshness"), "bad", `${trouble.replace(/\.$/, "")} since ${time} (${duration(age)})`);
  } else if (isOld) {
    remark(at("freshness"), "warn", `Old: as of ${time} (${duration(age)})`);
  } else {
    remark(at("freshness"), "good", `As of ${time}`);
  }
  const isStale = Boolean(trouble) || isOld;
  at("console").classList.toggle("stale", isStale);
  say(at("fact-up"), duration(host.since(latest.status.started)));
  showTrading(latest.status.gateways ?? [], isStale);
  const isHalted = (latest.status.gateways ?? []).some((gateway) => gateway.halt);
  document.title = `${isStale ? "? " : isHalted ? "■ " : ""}Sandpit ${location.host}`;
}

setInterval(tick, 1000);

at("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = at("token").value.trim();
  at("sign-in-error").textContent = "";
  // A header carries visible ASCII signs only, and a token has no others.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    at("sign-in-error").textContent = "This cannot be a token: it has spaces or signs that no token has.";
    return;
  }
  sessionStorage.setItem(TOKEN, token);
  await signIn(token);
});
at("sign-out").addEventListener("click", () => {
  sessionStorage.removeItem(TOKEN);
  signOut("");
});

const kept = sessionStorage.getItem(TOKEN);
if (kept) signIn(kept);
else signOut("");

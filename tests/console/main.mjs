// The operator's page in a headless Chromium, against the real binary.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { Desk, MARKUP_CALLER, MARKUP_FILE, MOST_SHARES } from "./demo.mjs";
import { faint, nameless, places } from "./looks.mjs";

const { chromium } = createRequire(join(process.env.CLIENTS, "package.json"))("playwright-core");

/** How long to wait for anything: machines can be slow. */
const PATIENCE = 120_000;

const PICTURES = "target/console";
mkdirSync(PICTURES, { recursive: true });

const desk = new Desk();
await desk.start();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE);

// Whatever the page complains of fails the test, unless the step expects it.
const complaints = [];
const expected = [];
const complain = (text) => {
  if (!expected.some((words) => text.includes(words))) complaints.push(text);
};
page.on("console", (message) => {
  if (message.type() === "error" || message.type() === "warning") complain(message.text());
});
page.on("pageerror", (error) => complain(String(error)));
page.on("dialog", (dialog) => {
  complain(`a dialog: ${dialog.message()}`);
  dialog.dismiss();
});
await page.addInitScript(() => {
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`);
  });
});
const asked = [];
page.on("request", (request) => asked.push(request));
let unchanged = 0;
page.on("response", (response) => {
  if (response.url().includes("/operator/orders") && response.status() === 304) unchanged += 1;
});

/** Waits until an element shows these words. */
const shows = (selector, words) => page.locator(selector).filter({ hasText: words }).first().waitFor();
const row = (table, words) => page.locator(`#${table} tbody tr`).filter({ hasText: words }).first();
const looksWell = async () => {
  assert.deepEqual(await nameless(page), [], "everything has a name");
  assert.deepEqual(await faint(page), [], "every text can be read");
};
const picture = (name) => page.screenshot({ path: join(PICTURES, `${name}.png`) });

async function step(name, work) {
  process.stdout.write(`console: ${name} … `);
  await work();
  assert.deepEqual(complaints, []);
  assert.deepEqual(await page.evaluate(() => window.violations), []);
  process.stdout.write("ok\n");
}

const signIn = async (token) => {
  await page.getByLabel("Operator’s token").fill(token);
  await page.keyboard.press("Enter");
};

const calls = new AbortController();
try {
  await step("the page holds nothing without a token", async () => {
    const response = await page.goto(desk.url);
    const headers = response.headers();
    assert.match(headers["content-security-policy"], /default-src 'none'/);
    assert.doesNotMatch(headers["content-security-policy"], /unsafe|\*/);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    assert.equal(await page.locator("#console").isVisible(), false);
    assert.equal(asked.filter((request) => request.url().includes("/operator/")).length, 0);
    assert.equal(asked.filter((request) => !request.url().startsWith(desk.base)).length, 0);
    await looksWell();
  });

  await step("a wrong token is told in a sentence", async () => {
    expected.push("status of 401");
    await signIn("not the token");
    await shows("#sign-in-error", "cannot be a token");
    await signIn("a-token-that-is-none-of-this-host");
    await shows("#sign-in-error", "This is not the operator’s token of this host.");
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    assert.equal(await page.locator("#console").isVisible(), false);
    await picture("sign-in");
  });

  await step("the operator's token opens it", async () => {
    await signIn(desk.token);
    await page.getByRole("heading", { name: "Gateways" }).waitFor();
    expected.length = 0;
    await shows("#gateways", "connected");
    await shows("#trading", "Trading is open");
    await shows("#freshness", "As of");
    await shows("#gateways td", "/ 45");
    await shows("#gateways td", "/ 100");
    assert.deepEqual(await context.cookies(), []);
    assert.equal(await page.evaluate(() => localStorage.length), 0);
    for (const request of asked) {
      assert.ok(!request.url().includes(desk.token), "the token is in no address");
    }
  });

  await step("tools are shown with grants, and why some are not served", async () => {
    await shows("#tools-count", /^[0-9]+ served, 2 are not$/);
    await row("tools", "ibkr_place_order").getByText("trading").waitFor();
    await row("tools", "portfolio_report").getByText("asks for").waitFor();
    await shows("#tools tr.note", /quarantined .*grant/);
    await row("tools", MARKUP_FILE).waitFor();
    await shows("#tools tr.note", /refused .*not a WebAssembly component/);
    // What needs the operator is first.
    assert.match(await page.locator("#tools tbody tr").first().innerText(), /portfolio_report/);
  });

  await step("what tools and callers write stays text", async () => {
    await page.getByRole("button", { name: "shows_markup" }).click();
    await shows("#tools tr.more", "<img src=x onerror=\"document.title='owned'\"><script>owned()</script>");
    assert.equal((await desk.call("shows_markup", { body: {} })).status, 200);
    await row("tools", "shows_markup").locator("td").nth(2).getByText("1", { exact: true }).waitFor();
    assert.equal(await page.locator("#console img, #console script").count(), 0);
    assert.doesNotMatch(await page.title(), /owned/);
    await page.getByRole("button", { name: "shows_markup" }).click();
    await page.locator("#tools tr.more").waitFor({ state: "detached" });
  });

  await step("calls are seen while they run and while they wait", async () => {
    const before = await places(page);
    const { signal } = calls;
    const running = [
      desk.call("stream_market_data?symbol=SPY", { signal }),
      desk.call("waits", { body: { milliseconds: 3_600_000 }, signal }),
    ];
    for (const call of running) call.catch(() => {});
    const stream = row("calls", "ibkr_stream_market_data");
    await stream.getByText("streaming").waitFor();
    await stream.getByText(MARKUP_CALLER).waitFor();
    await row("calls", "waits").getByText("running").waitFor();
    desk.call("waits", { body: { milliseconds: 1 }, signal }).catch(() => {});
    await shows("#calls-count", "2 running, 1 waiting");
    await row("tools", "waits").getByText("1/1 +1").waitFor();
    await shows("#gateways td", "1 / 100");
    assert.deepEqual(await places(page), before, "no panel moves");
  });

  await step("orders are shown with the gate's verdicts", async () => {
    const placed = await desk.order("AAPL", 5, 1.05);
    assert.equal(placed.code, 200, JSON.stringify(placed));
    const good = row("orders", `#${placed.orderId}`);
    await good.getByText("working").waitFor();
    await good.getByText("allowed", { exact: true }).waitFor();
    await good.getByText("USD").first().waitFor();
    const refused = await desk.order("MSFT", MOST_SHARES + 1, 1.05);
    assert.equal(refused.code, 403, JSON.stringify(refused));
    const bad = row("orders", "MSFT");
    await bad.getByText("refused").waitFor();
    await bad.getByText("max_quantity").waitFor();
    await shows("#orders tr.note", refused.detail);
    await bad.getByRole("button").click();
    await shows("#orders tr.more .rules", "max_quantity");
    await shows("#orders tr.more .story", "place by ibkr_place_order");
    await row("tools", "ibkr_place_order").locator(".hot").getByText("1", { exact: true }).waitFor();
    await looksWell();
    await picture("light");
    await bad.getByRole("button").click();
  });

  const reason = "earnings <b>tonight</b><img src=x onerror=owned()>";
  await step("trading is halted with a reason, by the keyboard alone", async () => {
    const halt = page.getByRole("button", { name: "Halt trading…" });
    await halt.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Halt trading" });
    await dialog.waitFor();
    // A reason is needed, and Escape leaves everything as it is.
    await page.keyboard.press("Enter");
    assert.equal(await dialog.isVisible(), true);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await shows("#trading", "Trading is open");
    await halt.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.type(reason);
    await looksWell();
    await picture("halt");
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    await shows("#trading", "Trading is HALTED");
    await shows("#remarks", `by operator: ${reason}`);
    assert.equal(await page.locator("#console img, #remarks b").count(), 0);
    assert.equal(await halt.isDisabled(), true);
  });

  await step("an order that the halt refuses is shown with it", async () => {
    const refused = await desk.order("TSLA", 1, 1.05);
    assert.equal(refused.code, 403, JSON.stringify(refused));
    await row("orders", "TSLA").getByText("refused").waitFor();
    await row("orders", "TSLA").getByText("halt", { exact: true }).waitFor();
    await shows("#orders tr.note", reason);
    await page.emulateMedia({ colorScheme: "dark" });
    await looksWell();
    await picture("dark");
    await page.emulateMedia({ colorScheme: "light" });
  });

  await step("trading is resumed after a confirmation", async () => {
    await page.getByRole("button", { name: "Resume…" }).click();
    const dialog = page.getByRole("dialog", { name: "Resume trading" });
    await dialog.getByText(reason).waitFor();
    await dialog.getByLabel("Your name").fill("ann");
    await dialog.getByRole("button", { name: "Resume now" }).click();
    assert.equal(await dialog.isVisible(), true, "it has to be confirmed");
    await dialog.getByLabel("What it was halted for is over").check();
    await dialog.getByRole("button", { name: "Resume now" }).click();
    await dialog.waitFor({ state: "hidden" });
    await shows("#trading", "Trading is open");
    const placed = await desk.order("TSLA", 1, 1.05);
    assert.equal(placed.code, 200, JSON.stringify(placed));
    await row("orders", `#${placed.orderId}`).getByText("working").waitFor();
  });

  await step("it cancels open orders with a halt, if that is wanted", async () => {
    await page.getByRole("button", { name: "Halt trading…" }).click();
    const dialog = page.getByRole("dialog", { name: "Halt trading" });
    await dialog.getByLabel("Reason").fill("the end of the day");
    await dialog.getByLabel("Cancel the orders").check();
    await dialog.getByRole("button", { name: "Halt now" }).click();
    await shows("#remarks", "2 orders cancelled.");
    await shows("#remarks", "by ann: the end of the day");
    await row("orders", "AAPL").getByText("cancelled").waitFor();
    await page.getByRole("button", { name: "Resume…" }).click();
    await page.getByLabel("What it was halted for is over").check();
    await page.getByRole("button", { name: "Resume now" }).click();
    await shows("#trading", "Trading is open");
  });

  await step("nothing is asked while nobody looks", async () => {
    await page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    // A round that had begun may still end.
    await page.waitForTimeout(3000);
    const before = asked.length;
    await page.waitForTimeout(5000);
    assert.equal(asked.length, before);
    assert.ok(unchanged > 0, "orders that are known are not sent again");
    const again = page.waitForRequest((request) => request.url().endsWith("/operator/status"));
    await page.evaluate(() => {
      delete document.visibilityState;
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await again;
  });

  await step("a host that is gone is said to be, and found again when it is back", async () => {
    expected.push("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE");
    calls.abort();
    await desk.stop();
    await shows("#freshness", "The host does not answer since");
    await shows("#trading", "Trading was open");
    assert.equal(await page.locator("#console.stale").count(), 1);
    await shows("#tools", "ibkr_place_order");
    await picture("gone");
    await desk.start();
    await shows("#freshness", "As of");
    await page.locator("#console:not(.stale)").waitFor();
    await shows("#gateways", "connected");
    await shows("#calls", "No call runs or waits.");
    expected.length = 0;
  });

  await step("a tab keeps its token over a reload, and loses it by signing out", async () => {
    await page.reload();
    await page.getByRole("heading", { name: "Gateways" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Operator’s token").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.getItem("sandpit-operator-token")), null);
    await page.reload();
    await page.getByLabel("Operator’s token").waitFor();
    assert.equal(await page.locator("#console").isVisible(), false);
  });

  await step("it fits a narrow window", async () => {
    await page.setViewportSize({ width: 420, height: 900 });
    await signIn(desk.token);
    await shows("#gateways", "connected");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out");
    await picture("narrow");
  });
} catch (error) {
  process.stdout.write("FAILED\n");
  await picture("failed").catch(() => {});
  console.error(error, complaints);
  process.exitCode = 1;
} finally {
  calls.abort();
  await browser.close();
  await desk.end();
}

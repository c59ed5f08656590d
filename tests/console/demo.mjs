// The real binary as `sandpit demo`, with some hostile tools beside the first-party ones.

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const BUILT = resolve("target");

/** A file name that would be a script, were it markup. */
export const MARKUP_FILE = "<img src=x onerror=owned()>.wasm";

/** What a caller calls itself that would like to be a script. */
export const MARKUP_CALLER = "<script>owned()</script>";

/** The most shares of one order, by the gate of this demo. */
export const MOST_SHARES = 100;

/** A folder to run demos in, one after the other. */
export class Desk {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "sandpit-console-"));
    const tools = join(this.folder, "tools");
    mkdirSync(tools);
    const take = (from, file) => copyFileSync(join(BUILT, from, file), join(tools, file));
    for (const file of readdirSync(join(BUILT, "plugins"))) {
      if (file.endsWith(".wasm")) take("plugins", file);
    }
    take("test-components", "portfolio_report.wasm");
    take("hostile-components", "shows_markup.wasm");
    take("hostile-components", "waits.wasm");
    writeFileSync(join(tools, MARKUP_FILE), "This is no component.");
    const shipped = readFileSync("sandpit.toml", "utf8");
    const config = shipped.replace("[gate.rules]\n", `[gate.rules]\nmax_quantity = ${MOST_SHARES}\n`);
    if (config === shipped) throw new Error("sandpit.toml has no [gate.rules]");
    writeFileSync(join(this.folder, "sandpit.toml"), `${config}
[policy.shows_markup]
grants = []

[policy.waits]
grants = []
limits = { concurrent_calls = 1 }
`);
    this.port = 0;
  }

  /** The operator's token, which the first demo makes. */
  get token() {
    return readFileSync(join(this.folder, "operator.token"), "utf8").trim();
  }

  /** Starts a demo and waits until it serves: from the second on where the first did. */
  async start() {
    const env = Object.fromEntries(Object.entries(process.env)
      .filter(([name]) => !/^(TWS_|SANDPIT_)/.test(name) && name !== "PORT"));
    const child = spawn(resolve(process.env.SANDPIT), ["demo", "--port", String(this.port), "--gateway", "127.0.0.1:0", "--log", "warn"], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...env,
        SANDPIT_TOOLS__FOLDER: join(this.folder, "tools"),
        SANDPIT_JOURNAL__FILE: join(this.folder, "journal.db"),
        SANDPIT_OPERATOR__TOKEN_FILE: join(this.folder, "operator.token"),
        SANDPIT_SANDBOX__CACHE_FOLDER: join(BUILT, "tmp/component-cache"),
      },
    });
    this.child = child;
    this.ended = new Promise((done) => child.once("exit", done));
    let log = "";
    let out = "";
    child.stderr.on("data", (data) => {
      log += data;
    });
    this.url = await new Promise((done, failed) => {
      child.stdout.on("data", (data) => {
        out += data;
        const found = out.match(/Watch it at (http:\/\/\S+\/console), with the operator's token of (\S+)\./);
        if (found) done(found[1]);
      });
      this.ended.then((code) => failed(new Error(`the demo ended with ${code}:\n${out}${log}`)));
    });
    this.base = new URL(this.url).origin;
    this.port = new URL(this.url).port;
  }

  /** Stops the demo, as Ctrl-C does. */
  async stop() {
    this.child?.kill("SIGINT");
    await this.ended;
  }

  /** Calls a tool over REST, as somebody with a strange name. */
  call(path, { body, signal } = {}) {
    return fetch(`${this.base}/api/v1/${path}`, {
      method: body ? "POST" : "GET",
      headers: { "Content-Type": "application/json", "User-Agent": MARKUP_CALLER },
      body: body && JSON.stringify(body),
      signal,
    });
  }

  /** Places an order for shares of a stock. */
  async order(symbol, totalQuantity, limitPrice) {
    const answer = await this.call("place_order", {
      body: {
        contract: { symbol, secType: "STK", exchange: "SMART", currency: "USD" },
        order: { action: "BUY", totalQuantity, orderType: "LMT", limitPrice },
      },
    });
    return { code: answer.status, ...await answer.json() };
  }

  /** Ends everything and leaves nothing. */
  async end() {
    if (this.child) await this.stop();
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true });
  }
}

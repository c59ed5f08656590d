// What the scripts of this folder share: checks, and the host that they are run against.
//
// The runner (../run.py) has started a demo in the folder that SANDPIT_FOLDER names. What is
// left of a script without these checks is an example of its client.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

export const FOLDER = process.env.SANDPIT_FOLDER;
export const URL_OF_HOST = new URL(process.env.SANDPIT_URL);
const CALLS = JSON.parse(readFileSync(new URL("calls.json", import.meta.url)));
export const TOOLS = [...new Set(CALLS.map((call) => call.tool))].sort();

// How long anything may take, in milliseconds. It bounds a hang; it measures nothing.
const PATIENCE = 60_000;

/** Prints one line about one thing that must hold. */
export function check(name, holds, seen = "") {
  if (!holds) process.exitCode = 1;
  const end = holds ? "" : `: ${seen instanceof Error ? seen : JSON.stringify(seen)}`;
  console.log(`  ${holds ? "ok  " : "FAIL"} ${name}${end}`);
}

/** Waits until something holds. */
export async function until(holds) {
  const end = Date.now() + PATIENCE;
  let held = await holds();
  while (!held && Date.now() < end) {
    await pause(50);
    held = await holds();
  }
  return held;
}

/** Checks that something comes to hold. */
export async function eventually(name, holds) {
  check(name, await until(holds), "it never came to that");
}

/** Calls every tool in turn; `call` answers with the result. */
export async function callEachTool(call) {
  let kept;
  for (const wanted of CALLS) {
    const given = Object.entries(wanted.arguments);
    const values = given.map(([name, value]) => [name, value === "kept" ? kept : value]);
    const result = await call(wanted.tool, Object.fromEntries(values));
    const answer = result.isError ? undefined : result.structuredContent;
    const found = answer?.[wanted.answers];
    check(`calls ${wanted.tool}`, found !== undefined && found.length !== 0, result);
    if (wanted.keep) kept = answer.orderId;
  }
}

/** What the operator sees of the running host. */
function status() {
  const asked = ["status", "--json", "--url", URL_OF_HOST.origin];
  return JSON.parse(execFileSync(process.env.SANDPIT, asked, { encoding: "utf8" }));
}

/** How many market data lines all tools together hold. */
export function linesInUse() {
  return status().tools.reduce((sum, tool) => sum + tool.usage.marketDataLines, 0);
}

/** How many calls run. */
export function callsRunning() {
  return status().running;
}

/** Puts another tool into the folder that the host watches. */
export function addTool() {
  copyFileSync(`${FOLDER}/spare/fixture_tool.wasm`, `${FOLDER}/tools/fixture_tool.wasm`);
}

/** Takes it out again. */
export function removeTool() {
  rmSync(`${FOLDER}/tools/fixture_tool.wasm`);
}

/** Has the host stopped and started again on the same port. */
export async function restartHost() {
  const trigger = `${FOLDER}/restart`;
  writeFileSync(trigger, "");
  await eventually("the host is started again", () => !existsSync(trigger));
}

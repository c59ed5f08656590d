// Halting and resuming. Both are confirmed in a dialog that says what will happen.

import { at, make } from "./dom.js";
import { clock, several } from "./words.js";

/** Where the operator's name is kept, for this tab. */
const NAME = "sandpit-operator-name";

/** All gateways, in the list of a dialog. */
const ALL = "";

/** The two buttons and their dialogs; `host` answers the host, `told` gets the outcome. */
export function brake(host, told) {
  let gateways = [];
  const halted = () => gateways.filter((gateway) => gateway.halt);

  const open = (dialog, { places, focus }) => {
    const select = at(`${dialog}-gateway`);
    select.replaceChildren(
      make("option", { value: ALL }, gateways.length > 1 ? "all gateways" : gateways[0].name),
      ...(gateways.length > 1 ? places : []).map(({ name }) => make("option", { value: name }, name)),
    );
    at(`${dialog}-by`).value = sessionStorage.getItem(NAME) ?? "";
    at(`${dialog}-error`).textContent = "";
    at(`${dialog}-dialog`).showModal();
    at(focus).focus();
  };

  const confirm = (dialog, act) => {
    const form = at(`${dialog}-form`);
    form.querySelector("[data-close]").addEventListener("click", () => at(`${dialog}-dialog`).close());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("[type=submit]");
      const gateway = at(`${dialog}-gateway`).value;
      const by = at(`${dialog}-by`).value.trim();
      sessionStorage.setItem(NAME, by);
      button.disabled = true;
      try {
        told(await act({ ...(gateway ? { gateway } : {}), ...(by ? { by } : {}) }));
        at(`${dialog}-dialog`).close();
      } catch (error) {
        at(`${dialog}-error`).textContent = error.status ? error.message
          : "The host does not answer. Whether it did what you asked is not known: look at its state before you try again.";
      } finally {
        button.disabled = false;
        host().now();
      }
    });
  };

  at("halt").addEventListener("click", () => {
    at("halt-reason").value = "";
    at("halt-cancel-orders").checked = false;
    open("halt", { places: gateways, focus: "halt-reason" });
  });
  at("resume").addEventListener("click", () => {
    at("resume-sure").checked = false;
    at("resume-halts").replaceChildren(...halted().map(({ name, halt }) => make("li", {},
      make("strong", {}, name), ` since ${clock(halt.since)} by ${halt.who}: ${halt.why}`)));
    open("resume", { places: halted(), focus: "resume-sure" });
  });
  confirm("halt", async (where) => {
    const reason = at("halt-reason").value.trim();
    const cancelOrders = at("halt-cancel-orders").checked;
    const answer = await host().halt({ ...where, reason, cancelOrders });
    return answer.gateways.flatMap(outcomes);
  });
  confirm("resume", async (where) => {
    await host().resume(where);
    return [];
  });

  return (status) => {
    gateways = status.gateways ?? [];
    at("resume").hidden = halted().length === 0;
    at("halt").disabled = gateways.length === 0 || halted().length === gateways.length;
  };
}

/** What has to be said of a halt beside that it is one. */
function outcomes({ name, cancelled, error }) {
  const words = [];
  if (error) words.push({ kind: "bad", words: `${name}: ${error}` });
  for (const order of (cancelled ?? []).filter((order) => order.error)) {
    words.push({ kind: "bad", words: `${name}: order ${order.orderId} was not cancelled. ${order.error}` });
  }
  const done = (cancelled ?? []).filter((order) => !order.error).length;
  if (cancelled) words.push({ kind: "note", words: `${name}: ${several(done, "order")} cancelled.` });
  return words;
}

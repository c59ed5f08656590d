// Asking the host, and knowing how old its latest answer is.

/** How often the host is asked while somebody looks, in milliseconds. */
const EVERY = 2000;

/** How long an answer may take. */
const PATIENCE = 8000;

/** From when on an answer counts as old. */
const OLD = 7000;

/** How many orders are asked for. */
const ORDERS = 50;

/** The host's answer is a refusal. */
export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/** Asks one path as the operator. What is `known` is not sent again. */
async function ask(token, path, { body, known } = {}) {
  const headers = { Authorization: `Bearer ${token}` };
  if (known) headers["If-None-Match"] = known.tag;
  const request = { headers, cache: "no-store", credentials: "omit", redirect: "error" };
  if (body !== undefined) {
    request.method = "POST";
    request.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  } else {
    request.signal = AbortSignal.timeout(PATIENCE);
  }
  const response = await fetch(path, request);
  if (response.status === 304 && known) return known;
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Refused(response.status, `The host answered with something else than JSON (HTTP ${response.status}).`);
  }
  if (!response.ok) {
    throw new Refused(response.status, answer.detail ?? answer.title ?? `The host refused it (HTTP ${response.status}).`);
  }
  return { ...answer, tag: response.headers.get("ETag") };
}

/** A host, watched with the operator's token. */
export class Host {
  #token;
  #timer = null;
  #isAsking = false;
  #isOver = false;
  #heard = null;
  #trouble = null;
  #offset = 0;
  #orders = null;
  #onAnswer;
  #onRefused;

  /** `onAnswer` gets what the host says; `onRefused` why it does not want to. */
  constructor(token, { onAnswer, onRefused }) {
    this.#token = token;
    this.#onAnswer = onAnswer;
    this.#onRefused = onRefused;
    this.turn = () => {
      if (document.visibilityState === "visible") this.now();
      else clearTimeout(this.#timer);
    };
    document.addEventListener("visibilitychange", this.turn);
  }

  /** Asks for everything now, and again while somebody looks. */
  async now() {
    clearTimeout(this.#timer);
    if (this.#isAsking || this.#isOver) return;
    this.#isAsking = true;
    try {
      await this.#round();
    } finally {
      this.#isAsking = false;
    }
    if (!this.#isOver && document.visibilityState === "visible") {
      this.#timer = setTimeout(() => this.now(), EVERY);
    }
  }

  async #round() {
    try {
      const [status, calls, orders] = await Promise.all([
        ask(this.#token, "/operator/status"),
        ask(this.#token, "/operator/calls"),
        // Without a journal there are none, and the rest is worth seeing.
        ask(this.#token, `/operator/orders?limit=${ORDERS}`, { known: this.#orders }).catch((error) => {
          if (error instanceof Refused && error.status === 409) return { orders: [], trouble: error.message };
          throw error;
        }),
      ]);
      if (this.#isOver) return;
      this.#orders = orders.tag ? orders : null;
      this.#heard = Date.now();
      this.#trouble = null;
      this.#offset = Date.parse(status.now) - this.#heard || 0;
      this.#onAnswer({ status, calls: calls.calls, orders });
    } catch (error) {
      if (this.#isOver) return;
      // Whoever was let in once stays while the host is only in trouble.
      const isClosed = error.status === 503 && this.#heard === null;
      if (error instanceof Refused && (error.status === 401 || error.status === 403 || isClosed)) {
        this.#onRefused(error);
        return;
      }
      this.#trouble = error instanceof Refused ? error.message : "The host does not answer";
    }
  }

  /** Halts trading. */
  halt(wish) {
    return ask(this.#token, "/operator/halt", { body: wish });
  }

  /** Lets orders through again. */
  resume(wish) {
    return ask(this.#token, "/operator/resume", { body: wish });
  }

  /** Seconds since a moment, by the host's clock. */
  since(text) {
    return (Date.now() + this.#offset - Date.parse(text)) / 1000;
  }

  /** How old the latest answer is in seconds, what stands in the way, and whether it counts as old. */
  freshness() {
    const age = this.#heard === null ? Infinity : Date.now() - this.#heard;
    return { heard: this.#heard, age: age / 1000, isOld: age > OLD, trouble: this.#trouble };
  }

  /** Asks no more. */
  end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.turn);
  }
}

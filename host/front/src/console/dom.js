// Making and changing what is seen. Every text is set as text, never as markup:
// tools, callers and TWS may have written it.

import { clock, utc } from "./words.js";

/** The element with this id. */
export const at = (id) => document.getElementById(id);

/** An element with properties and content. */
export function make(name, properties = {}, ...content) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key === "class") element.className = value;
    else element.setAttribute(key, value);
  }
  element.append(...content.flat().filter((part) => part !== null && part !== undefined));
  return element;
}

/** Sets a text, if it is another one: what is selected stays selected. */
export function say(element, text) {
  const wanted = String(text ?? "");
  if (element.textContent !== wanted) element.textContent = wanted;
}

/**
 * A state in a word, with a sign of its own: nobody has to tell colours apart.
 * The kinds are good, note, warn and bad.
 */
export function mark(kind, words) {
  return make("span", { class: `mark ${kind}` }, words);
}

/** Makes an element, which has the class, a mark of this kind. */
export function remark(element, kind, words) {
  const name = `mark ${kind}`;
  if (element.className !== name) element.className = name;
  say(element, words);
}

/** A moment: in the reader's zone, in UTC when it is pointed at. */
export function moment(text) {
  if (!text) return null;
  return make("time", { datetime: text, title: utc(text) }, clock(text));
}

/** So much of so much, as numbers and as a bar. */
export function gauge(label, used, most) {
  const meter = make("meter", {
    min: 0, max: Math.max(most, 1), high: Math.max(most, 1) * 0.8, value: used, "aria-label": label,
  });
  return make("span", { class: "gauge" }, make("span", { class: "number" }, `${used} / ${most}`), meter);
}

/** Puts the content of one element into another, if it is not the same already. */
export function renew(element, fresh) {
  const now = [...element.childNodes];
  const next = [...fresh.childNodes];
  const isSame = now.length === next.length && now.every((node, index) => node.isEqualNode(next[index]));
  if (!isSame) element.replaceChildren(...next);
}

/**
 * A table whose rows are kept: a row stays where it is while its key is there,
 * and only cells that differ are replaced. So nothing jumps, and the keyboard
 * stays where it was.
 */
export class Table {
  #body;
  #columns;
  #rows = new Map();
  #opened = new Set();
  #nothing;
  #note;
  #detail;
  #last = [];

  /**
   * Columns are `{ title, class, cell(item) }`. `note(item)`, if it answers
   * something, is shown below the row; `detail(item)` below a row that is
   * opened, by the button in its first cell.
   */
  constructor(table, { caption, columns, empty, note, detail }) {
    this.#columns = columns;
    this.#note = note;
    this.#detail = detail;
    this.#nothing = make("tr", { class: "nothing" }, this.#whole(empty));
    this.#body = make("tbody");
    const heads = columns.map((column) => make("th", {
      scope: "col", class: column.class, title: column.hint,
    }, column.title));
    table.replaceChildren(
      make("caption", { class: "unseen" }, caption),
      make("thead", {}, make("tr", {}, heads)),
      this.#body,
    );
  }

  /** Shows these items, in this order. */
  show(items) {
    this.#last = items;
    const wanted = [];
    const seen = new Set();
    for (const item of items) {
      seen.add(item.key);
      const row = this.#row(item);
      wanted.push(...[row.line, row.note, row.more].filter(Boolean));
    }
    for (const key of this.#rows.keys()) {
      if (!seen.has(key)) this.#rows.delete(key);
    }
    if (wanted.length === 0) wanted.push(this.#nothing);
    this.#place(wanted);
  }

  /** A cell as wide as the table. */
  #whole(content) {
    return make("td", { colspan: this.#columns.length }, make("div", { class: "whole" }, content));
  }

  #place(wanted) {
    let next = this.#body.firstChild;
    for (const row of wanted) {
      if (row === next) next = next.nextSibling;
      else this.#body.insertBefore(row, next);
    }
    while (next) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
  }

  #row(item) {
    let row = this.#rows.get(item.key);
    if (!row) {
      row = { line: make("tr"), note: null, more: null };
      row.line.append(...this.#columns.map((column) => make("td", { class: column.class })));
      this.#rows.set(item.key, row);
      if (this.#detail) {
        const button = make("button", { type: "button", class: "opener", "aria-expanded": "false" });
        button.addEventListener("click", () => this.#toggle(item.key));
        row.line.firstChild.append(button);
        row.button = button;
      }
    }
    this.#columns.forEach((column, index) => {
      const cell = row.line.children[index];
      const fresh = make("td", {}, column.cell(item));
      renew(index === 0 && row.button ? row.button : cell, fresh);
    });
    const name = item.tone ?? "";
    if (row.line.className !== name) row.line.className = name;
    const isOpen = this.#opened.has(item.key);
    row.button?.setAttribute("aria-expanded", String(isOpen));
    this.#below(row, "note", this.#note?.(item), name);
    this.#below(row, "more", isOpen ? this.#detail(item) : null, name);
    return row;
  }

  /** What stands below a row, if there is anything. */
  #below(row, kind, content, tone) {
    if (!content) {
      row[kind] = null;
      return;
    }
    const fresh = this.#whole(content);
    if (row[kind]) renew(row[kind].firstChild, fresh);
    else row[kind] = make("tr", {}, fresh);
    row[kind].className = `${kind} ${tone}`.trim();
  }

  #toggle(key) {
    if (!this.#opened.delete(key)) this.#opened.add(key);
    this.show(this.#last);
  }
}

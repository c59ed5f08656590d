// What can be told of a page's looks without eyes: names, contrast, and what stays in its place.

/** Controls without a name, and headings or tables without one. */
export function nameless(page) {
  return page.evaluate(() => {
    const named = (element) => Boolean(
      element.getAttribute("aria-label")
      || (element.getAttribute("aria-labelledby") ?? "").split(" ").some((id) => document.getElementById(id)?.textContent.trim())
      || element.labels?.length
      || element.textContent.trim()
      || element.querySelector?.("caption")?.textContent.trim(),
    );
    return [...document.querySelectorAll("input, select, button, table, meter, dialog, [role=region], a[href]")]
      .filter((element) => element.checkVisibility() && !named(element))
      .map((element) => element.outerHTML.slice(0, 120));
  });
}

/** Visible texts with less contrast than WCAG 2 asks for (4.5 to 1). */
export function faint(page) {
  return page.evaluate(() => {
    const parse = (color) => {
      const parts = color.match(/[\d.]+/g).map(Number);
      return { rgb: parts.slice(0, 3), alpha: parts[3] ?? 1 };
    };
    const luminance = (rgb) => {
      const [red, green, blue] = rgb.map((part) => {
        const share = part / 255;
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const { rgb, alpha } = parse(getComputedStyle(at).backgroundColor);
        if (alpha === 1) return rgb;
      }
      return [255, 255, 255];
    };
    const found = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      if (!texts.currentNode.textContent.trim() || !element.checkVisibility() || element.closest(":disabled")) continue;
      const [one, other] = [luminance(parse(getComputedStyle(element).color).rgb), luminance(behind(element))];
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (contrast < 4.5) found.add(`${contrast.toFixed(2)}: ${texts.currentNode.textContent.trim().slice(0, 60)}`);
    }
    return [...found];
  });
}

/** Where the panels are. */
export function places(page) {
  return page.evaluate(() => [...document.querySelectorAll(".panel")].map((panel) => {
    const { x, y, width, height } = panel.getBoundingClientRect();
    return [x, y, width, height].map(Math.round).join(" ");
  }));
}

"""What people with other eyes and hands need of a page, measured in a browser.

Twice: by axe-core, which many people have made over many years, and by a small measure of our own for what it does
not look at (sizes, headings, width; contrast also where axe says that it cannot tell).
"""

from functools import cache
from pathlib import Path

from playwright.async_api import Page

_AXE = Path(__file__).parent / "axe" / "axe.min.js"
_WEIGHTY = ("serious", "critical")

_LOOK = """
() => {
  const troubles = [];
  const shown = (element) => element.checkVisibility() && !element.closest(".sr-only, .skip");
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    // What color-mix() gives is written with parts from 0 to 1: color(srgb 0.9 0.95 0.9 / 0.5).
    const unit = text.startsWith("color(srgb ") ? 255 : 1;
    return { r: r * unit, g: g * unit, b: b * unit, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a),
    a: 1,
  });
  const ground = (element) => {
    if (!element) return { r: 255, g: 255, b: 255, a: 1 };
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own.a === 1 ? own : over(own, ground(element.parentElement));
  };
  const light = ({ r, g, b }) => {
    const part = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((v) => part(v / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (one, other) => {
    const [most, least] = [light(one), light(other)].sort((a, b) => b - a);
    return (most + 0.05) / (least + 0.05);
  };

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !shown(element)) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const behind = ground(element);
    const found = contrast(over(rgba(style.color), behind), behind);
    // WCAG asks nothing of what is switched off; on a projector it should still be read.
    const wanted = large || element.closest(":disabled") ? 3 : 4.5;
    if (found < wanted) troubles.push(`contrast ${found.toFixed(2)} of "${texts.currentNode.textContent.trim()}"`);
  }

  const controls = "a[href], button, input:not([type=hidden]), textarea, select, summary";
  for (const control of document.querySelectorAll(controls)) {
    if (!shown(control)) continue;
    const name = control.getAttribute("aria-label") || control.textContent.trim() ||
      [...(control.labels ?? [])].map((label) => label.textContent.trim()).join(" ");
    if (!name) troubles.push(`no name: ${control.outerHTML}`);
    const { width, height } = control.getBoundingClientRect();
    // A link within a line of text is as high as that line.
    if (getComputedStyle(control).display !== "inline" && !control.labels?.length && (width < 24 || height < 24)) {
      troubles.push(`too small to be hit, ${width.toFixed()} x ${height.toFixed()}: ${name}`);
    }
  }

  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const now = Number(heading.tagName[1]);
    if (now > level + 1) troubles.push(`the heading "${heading.textContent.trim()}" skips a level`);
    level = now;
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) troubles.push(`${wide} px wider than the screen`);
  return troubles;
}
"""

_ASK_AXE = """
async (weighty) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => weighty.includes(impact))
    .map(({ id, impact, help, nodes }) => {
      const where = nodes.slice(0, 5).map(({ target, failureSummary }) => `${target.join(" ")} (${failureSummary})`);
      return `axe, ${impact}: ${id}, ${help}: ${where.join("; ")}`;
    });
}
"""

_FOCUS = """
() => {
  const here = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(here);
  return {
    name: (here.textContent.trim() || here.name || here.id).slice(0, 40),
    visible: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    end: here === document.body,
  };
}
"""


async def troubles_of(page: Page, *, axe: bool = True) -> list[str]:
    """What is wrong with the page as it is shown now; without ``axe``, which takes time, only by our own measure."""
    found: list[str] = await page.evaluate(_LOOK)
    return found + (await _axe_findings(page) if axe else [])


async def _axe_findings(page: Page) -> list[str]:
    """The serious and critical findings of axe-core, each with the first elements that it is about.

    It comes by the debugger, past the page's Content-Security-Policy, which is to stay as users have it.
    """
    if not await page.evaluate("'axe' in globalThis"):
        await page.evaluate(_axe())
    found: list[str] = await page.evaluate(_ASK_AXE, list(_WEIGHTY))
    return found


@cache
def _axe() -> str:
    return _AXE.read_text(encoding="utf-8")


async def walk_by_keyboard(page: Page, *, most: int = 80) -> list[str]:
    """Tab through the whole page: what the focus meets, in order. The focus has to be seen everywhere."""
    met: list[str] = []
    for _ in range(most):
        await page.keyboard.press("Tab")
        focus = await page.evaluate(_FOCUS)
        if focus["end"]:
            break
        assert focus["visible"], f"the focus cannot be seen on {focus['name']!r}"
        met.append(focus["name"])
    return met

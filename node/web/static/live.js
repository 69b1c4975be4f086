// Keeps a page up to date without a reload. The server's template stays the only one there is: the page is fetched
// again and those of its parts that are marked data-live are swapped. Nothing moves or fades.

const PATIENCE_MS = 5000;

export class SignedOut extends Error {}

export async function ask(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.status === 401) throw new SignedOut();
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return { node: answer.headers.get("X-ANODEID"), body: await answer.json() };
}

export async function redraw() {
  const address = location.pathname;
  const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.redirected) throw new SignedOut();
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.id;
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(part.id);
    if (!now || part.innerHTML === now.innerHTML) continue;
    part.innerHTML = now.innerHTML;
    if (now.dataset.state) part.dataset.state = now.dataset.state;
  }
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
}

function tell(lost, error) {
  const text = error instanceof SignedOut
    ? "You are not logged in any more. Reload the page to log in again."
    : "This node does not answer at the moment. Trying again …";
  if (lost.textContent !== text) lost.textContent = text;
  lost.hidden = false;
}

// Calls look() again and again while the page is to be seen, and tells when it fails.
export async function keepLooking(look, periodMs) {
  const lost = document.getElementById("lost");
  for (;;) {
    if (!document.hidden) {
      try {
        await look();
        lost.hidden = true;
        lost.textContent = "";
      } catch (error) {
        tell(lost, error);
      }
    }
    await new Promise((wake) => setTimeout(wake, periodMs));
  }
}

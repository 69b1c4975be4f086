// Keeps "Jira upgrades" up to date. Each second the REST resources are asked; when they say something new, the page
// itself is fetched and its live parts are swapped, so that the server's template stays the only one there is.

const PERIOD_MS = 1000;
const PATIENCE_MS = 5000;
const NODE_MODE = "/rest/zdu-simulator/1/node/upgradeMode";
const lost = document.getElementById("lost");
const address = location.pathname;
let known = null;

class SignedOut extends Error {}

async function ask(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.status === 401) throw new SignedOut();
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return { node: answer.headers.get("X-ANODEID"), body: await answer.json() };
}

async function redraw() {
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

function count(id, value) {
  const place = document.getElementById(id);
  if (place && place.textContent !== String(value)) place.textContent = value;
}

async function look() {
  const hasCard = document.querySelector(".own-node") !== null;
  const [state, nodes] = await Promise.all([ask("/rest/api/2/cluster/zdu/state"), ask("/rest/api/2/cluster/nodes")]);
  // Not at the same time: those two would be counted as requests in flight.
  const mode = hasCard ? await ask(NODE_MODE) : null;
  const seen = JSON.stringify([state, nodes, mode?.body.enabled]);
  if (seen !== known) {
    await redraw();
    // What an action confirmed is old news once the cluster has moved on.
    if (known !== null) document.getElementById("messages").replaceChildren();
    known = seen;
  } else if (mode) {
    count("requests-in-flight", mode.body.requestsInFlight);
    count("sessions", mode.body.sessions);
  }
}

function tell(error) {
  const text = error instanceof SignedOut
    ? "You are not logged in any more. Reload the page to log in again."
    : "This node does not answer at the moment. Trying again …";
  if (lost.textContent !== text) lost.textContent = text;
  lost.hidden = false;
}

for (;;) {
  if (!document.hidden) {
    try {
      await look();
      lost.hidden = true;
      lost.textContent = "";
    } catch (error) {
      tell(error);
    }
  }
  await new Promise((wake) => setTimeout(wake, PERIOD_MS));
}

// Keeps the page up to date without flicker: fetches it again and changes only what differs, so that focus, selection
// and scroll positions stay. Without scripts the page still shows everything of the moment it was loaded.

const EVERY_MS = 1000;
const PATIENCE_MS = 5000;
const stale = document.getElementById("stale");

function update(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeName === "INPUT") return; // what somebody types is theirs
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const before = [...old.childNodes], after = [...fresh.childNodes];
  after.forEach((child, at) => (at < before.length ? update(before[at], child) : old.append(document.importNode(child, true))));
  before.slice(after.length).forEach((child) => child.remove());
}

async function refresh() {
  try {
    const answer = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const problem = document.getElementById("problem").textContent;
    fresh.getElementById("problem").textContent = problem;
    document.title = fresh.title;
    update(document.querySelector("main"), fresh.querySelector("main"));
    update(document.getElementById("uptime"), fresh.getElementById("uptime"));
    stale.textContent = "";
  } catch {
    stale.textContent = "· does not answer; what you see is old";
  }
}

async function set(node, state) {
  const wish = { state };
  const deadline = document.getElementById("deadline").value.trim();
  if (state === "drain" && deadline) wish.deadline = deadline;
  let problem = "";
  try {
    const answer = await fetch(`/nodes/${encodeURIComponent(node)}/state`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(wish),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!answer.ok) problem = (await answer.json()).error;
  } catch (error) {
    problem = `${node}: ${error.message}`;
  }
  document.getElementById("problem").textContent = problem;
  await refresh();
}

document.addEventListener("click", (event) => {
  const { node, state } = event.target.dataset;
  if (!node) return;
  event.target.disabled = true;
  set(node, state);
});

for (;;) {
  await new Promise((done) => setTimeout(done, EVERY_MS));
  if (!document.hidden) await refresh();
}

// Keeps "Jira upgrades" up to date. Each second the REST resources are asked; only when they say something new, the
// page's live parts are redrawn.

import { ask, keepLooking, redraw } from "./live.js";

const PERIOD_MS = 1000;
const NODE_MODE = "/rest/zdu-simulator/1/node/upgradeMode";
let known = null;

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

keepLooking(look, PERIOD_MS);

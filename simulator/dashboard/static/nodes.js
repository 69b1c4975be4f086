// The table of nodes: what each is, and what can be done with it.

const ACTIONS = [
  ["start", "Start", "Start it with the version it had"],
  ["upgrade", "Upgrade", "Take it out, upgrade it, put it back"],
  ["drain", "Drain", "Let the load balancer take it out, and nothing else"],
  ["ready", "Undrain", "Let the load balancer send users again"],
  ["stop", "Stop", "Stop it in an orderly way"],
  ["kill", "Kill", "Kill it, as a power cut does"],
  ["pause", "Pause", "Let it stand still: nobody answers"],
  ["resume", "Resume", "Let it go on"],
];
const COLUMNS = ["version", "state", "heartbeat", "balancer", "sessions", "actions"];
const UP = new Set(["RUNNING", "DRAINING", "STARTING", "MAINTENANCE", "ERROR", "STOPPING"]);
const GONE = new Set(["down", "killed", "crashed"]);

export function balancerWord(admin, operational) {
  return admin === "READY" || !admin ? operational : admin;
}

// Which of the actions make sense for a node in that state. Pure.
export function sensible(action, {state, balancer}) {
  const running = UP.has(state);
  switch (action) {
    case "start": return GONE.has(state);
    case "resume": return state === "paused";
    case "upgrade": return running || GONE.has(state);
    case "ready": return running && (balancer === "DRAIN" || balancer === "MAINT");
    case "drain": return running && balancer !== "DRAIN" && balancer !== "MAINT";
    case "kill": return running || state === "paused";
    default: return running;
  }
}

export class Nodes {
  constructor(table, names, controls) {
    this.rows = new Map(names.map((name) => [name, this.row(name, controls)]));
    table.tBodies[0].replaceChildren(...[...this.rows.values()].map((row) => row.element));
  }

  row(name, controls) {
    // The roles are said, because the rows of a narrow screen are no table to the browser any more.
    const cell = (tag, role) => {
      const made = document.createElement(tag);
      made.setAttribute("role", role);
      return made;
    };
    const element = cell("tr", "row");
    const head = Object.assign(cell("th", "rowheader"), {scope: "row", textContent: name});
    const cells = Object.fromEntries(COLUMNS.map((key) => [key, cell("td", "cell")]));
    for (const key of COLUMNS) cells[key].dataset.column = key;
    element.append(head, ...Object.values(cells));
    const bar = document.createElement("progress");
    bar.hidden = true;
    bar.setAttribute("aria-label", `Sessions that have left ${name}`);
    const left = document.createElement("span");
    const sessions = document.createElement("span");
    cells.sessions.append(sessions, bar, left);
    const buttons = new Map(ACTIONS.map(([action, text, title]) => {
      const button = Object.assign(document.createElement("button"), {type: "button", textContent: text, title});
      button.setAttribute("aria-label", `${text} ${name}`);
      button.dataset.command = `node ${action} ${name}`;
      button.addEventListener("click", () => controls.node(name, action));
      cells.actions.append(button);
      return [action, button];
    }));
    return {element, cells, sessions, bar, left, buttons, words: {state: "", version: "", balancer: "", out: ""}, most: 0};
  }

  set(name, what, value) {
    const row = this.rows.get(name);
    row.words[what] = value;
    if (what === "version") this.write(row.cells.version, value);
    if (what === "state") {
      this.write(row.cells.state, value);
      row.element.dataset.state = value.toLowerCase();
    }
    if (what === "balancer" || what === "out") {
      this.write(row.cells.balancer, row.words.balancer.replaceAll("_", " ") + (row.words.out ? ", out" : ""));
    }
    for (const [action, button] of row.buttons) button.hidden = !sensible(action, row.words);
  }

  // What the load balancer counts: how many are bound to it, and how many of them still have to move.
  balancer(name, {sessions, sessions_left, in_flight}) {
    const row = this.rows.get(name);
    if (!row) return;
    this.write(row.sessions, `${sessions}, ${in_flight} in flight`);
    const draining = ["STOPPING", "DRAIN"].includes(row.words.balancer) && !row.words.out;
    row.most = draining ? Math.max(row.most, sessions_left || 0) : 0;
    row.bar.hidden = !row.most;
    if (row.most) {
      row.bar.max = row.most;
      row.bar.value = row.most - (sessions_left || 0);
    }
    this.write(row.left, row.most ? ` ${sessions_left || 0} to move` : "");
  }

  // What the other nodes know of it, by its heartbeat in the database.
  member(name, {state, alive}) {
    const row = this.rows.get(name);
    if (!row) return;
    this.write(row.cells.heartbeat, state === "ACTIVE" && !alive ? "NO HEARTBEAT" : state);
    row.cells.heartbeat.dataset.alive = alive || state !== "ACTIVE"; // who has signed off is not missed
  }

  write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
}

// The dashboard: what the feed says is drawn and written; what is clicked is sent as a command.

import {Chart} from "./chart.js";
import {Controls} from "./controls.js";
import {Feed} from "./feed.js";
import {LiveDrawing, MOST_DOTS} from "./live_drawing.js";
import {Nodes, balancerWord} from "./nodes.js";

const STATES = [
  "STABLE", "READY_TO_UPGRADE", "MIXED", "READY_TO_RUN_UPGRADE_TASKS", "RUNNING_UPGRADE_TASKS", "UPGRADE_TASKS_FAILED",
];
const EVENTS_SHOWN = 200;
const KILLED = -9; // what a process returns that was ended by SIGKILL
const PHASES = {starting: "starting …", up: "", run: "", stopping: "stopping …", down: "down"};

const find = (id) => document.getElementById(id);

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// The token comes behind the # of the address, and stays with this tab only.
function tokenOfThisTab() {
  const found = /[#&]token=([0-9a-zA-Z]+)/.exec(location.hash);
  try {
    if (found) sessionStorage.setItem("zdu-token", found[1]);
    history.replaceState(null, "", location.pathname + location.search);
    return found ? found[1] : sessionStorage.getItem("zdu-token");
  } catch {
    return found ? found[1] : null;
  }
}

// The drawing's letters are of one size; on a projector they are to grow with all others.
class Scale {
  constructor(stage, inner) {
    this.stage = stage;
    this.inner = inner;
    const observer = new ResizeObserver(() => this.fit());
    observer.observe(stage);
    observer.observe(inner);
    this.fit();
  }

  fit() {
    const scale = Math.max(1, Number.parseFloat(getComputedStyle(this.stage).fontSize) / 15);
    this.inner.style.width = `${Math.floor(this.stage.clientWidth / scale)}px`;
    this.inner.style.transform = `scale(${scale})`;
    this.stage.style.height = `${Math.ceil(this.inner.offsetHeight * scale) + 2}px`;
  }
}

class Dashboard {
  constructor(token) {
    this.still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.feed = new Feed(token, {
      onEvent: (kind, words) => this[kind]?.(words),
      onState: (state) => this.connection(state),
    });
    this.controls = new Controls(this.feed);
    this.chart = new Chart(find("chart"));
    this.drawing = null;
    this.crowd = [];
    this.came = 0;
    this.seq = 0;
    this.shown = {};
    this.replaying = true;
    this.withNotes = new URLSearchParams(location.search).has("notes");
    this.pending = [];
    find("states").replaceChildren(...STATES.map((state) => {
      const item = make("li", {textContent: state.replaceAll("_", " ")});
      item.dataset.state = state;
      return item;
    }));
  }

  connection(state) {
    const text = {
      lost: "The connection is lost; trying again …",
      refused: "The address is without its token, or with an old one: use the one that zdu prints.",
    }[state];
    find("problem").hidden = !text;
    write(find("problem"), text || "");
    if (state === "refused") write(find("phase"), "not connected");
    if (state === "ended") write(find("phase"), "down");
    if (state === "ended") this.controls.close();
  }

  // Once at the beginning of each connection: the whole state.
  about(status) {
    this.status = status;
    document.title = `${status.name} · zdu`;
    write(find("title"), status.name);
    write(find("about"), status.title);
    write(find("phase"), PHASES[status.phase] ?? status.phase);
    this.links(status);
    if (!this.drawing) {
      this.scale = new Scale(find("stage"), find("drawing"));
      this.drawing = new LiveDrawing(find("drawing"), {
        nodes: status.nodes.map((node) => node.id), users: [], oldVersion: status.base, still: this.still,
      });
      this.nodes = new Nodes(find("nodes"), status.nodes.map((node) => node.id), this.controls);
    }
    if (status.at) this.places = {...status.at};
    for (const [user, node] of Object.entries(this.places)) this.drawing.take({what: "visit", user, node}, {moving: false});
    this.controls.about(status);
  }

  links({urls, run_folder}) {
    const link = (href, text) => make("a", {href, textContent: text, target: "_blank", rel: "noreferrer"});
    const links = [];
    if (urls.application) links.push(link(urls.application, "Application"));
    if (urls.lb_status) links.push(link(urls.lb_status, "Load balancer"));
    for (const [node, url] of Object.entries(urls.nodes)) links.push(link(url, node));
    find("links").replaceChildren(...links);
    find("links").title = run_folder;
  }

  // One event of the record.
  record(event) {
    if (event.seq <= this.seq) return;
    this.seq = event.seq;
    const act = this[`on_${event.kind}`];
    if (act) act.call(this, event);
    if (event.words) this.happened(event, event.words);
  }

  // A step of the scenario begins: its text stays until the next one.
  on_chapter_started({title, text, notes}) {
    this.chapter = {title, text};
    this.tellChapter(title);
    find("notes").hidden = !notes || !this.withNotes;
    write(find("notes"), notes || "");
  }

  // The step's own title, unless that is what is happening now: then it is there already, in bold.
  tellChapter(step) {
    const {title, text} = this.chapter || {};
    write(find("step-text"), [title === step ? "" : title, text].filter(Boolean).join(": "));
  }

  on_step_started(event) {
    write(find("step"), event.title);
    this.tellChapter(event.title);
    this.happened(event, event.title, "step");
  }

  on_load_started({users}) {
    this.setCrowd(users);
  }

  on_load_changed({users}) {
    this.setCrowd(users);
  }

  on_load_stopped() {
    this.setCrowd(0);
  }

  // The last ones go first, and who comes is somebody new: as the load does it.
  setCrowd(users) {
    this.crowd.length = Math.min(this.crowd.length, users);
    while (this.crowd.length < users) this.crowd.push(`s${++this.came}`);
    this.crowdChanged = true;
  }

  on_process_started({process, version}) {
    this.node(process, "version", version);
    this.node(process, "state", "STARTING");
  }

  on_process_stopping({process}) {
    this.node(process, "state", "STOPPING");
  }

  on_process_exited({process, expected, returncode}) {
    if (process === "lb") for (const name of this.drawing.nodeNames) this.node(name, "balancer", "");
    this.node(process, "state", !expected ? "crashed" : returncode === KILLED ? "killed" : "down");
  }

  on_process_paused({process}) {
    this.node(process, "state", "paused");
  }

  on_node_observed({node, state, version}) {
    if (state) this.node(node, "state", state);
    if (version) this.node(node, "version", version);
  }

  on_cluster_observed({state, seen_by}) {
    this.node(seen_by, "shows", state);
  }

  on_balancer_observed({node, admin, operational}) {
    this.node(node, "balancer", balancerWord(admin, operational));
  }

  on_fault_applied(event) {
    this.controls.faults.applied(event);
  }

  on_fault_fired(event) {
    this.controls.faults.fired(event);
  }

  on_fault_reset(event) {
    this.controls.faults.over(event);
  }

  on_node_taken_out({node}) {
    this.node(node, "out", "out");
  }

  on_node_back({node}) {
    this.node(node, "out", "");
  }

  node(node, what, value) {
    if (!this.drawing || !this.drawing.nodes.has(node)) return;
    this.drawing.take({what, node, value});
    this.nodes.set(node, what, value);
    if (what !== "shows") return;
    const shown = [...this.drawing.nodes.values()].map((one) => one.shows).filter(Boolean);
    this.light(value || shown[0] || "");
  }

  light(state) {
    for (const item of find("states").children) {
      const lit = item.dataset.state === state;
      item.toggleAttribute("data-lit", lit);
      if (lit) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
  }

  happened(event, text, css = "") {
    const time = make("time", {textContent: `${event.t_s.toFixed(1)} s`});
    this.pending.push(make("li", {className: css}, time, " ", text));
  }

  showHappened() {
    if (!this.pending.length) return;
    const list = find("events");
    list.prepend(...this.pending.slice(-EVENTS_SHOWN).reverse());
    this.pending = [];
    while (list.children.length > EVENTS_SHOWN) list.lastElementChild.remove();
  }

  // The figures of the moment, and who has moved since the last ones.
  figures(news) {
    this.showHappened();
    if (this.crowdChanged) {
      this.crowdChanged = false;
      this.drawing.setUsers(this.crowd);
      for (const [user, node] of Object.entries(this.places)) this.drawing.take({what: "visit", user, node}, {moving: false});
    }
    const moves = news.at ? Object.entries(news.at) : news.moves;
    for (const [user, node] of moves) {
      const moved = this.places[user];
      this.places[user] = node;
      this.drawing.take({what: "visit", user, node}, {moving: Boolean(moved)});
    }
    for (const failure of news.failures) {
      this.drawing.take({what: "request", user: failure.user, node: failure.node, outcome: "failed"});
      this.happened(failure, `${failure.kind} of ${failure.user} failed: ${failure.outcome} ${failure.detail}`, "bad");
    }
    this.chart.add(news);
    this.tiles(news);
    for (const [node, words] of Object.entries(news.balancer)) this.nodes.balancer(node, words);
    for (const [node, words] of Object.entries(news.members || {})) this.nodes.member(node, words);
    this.controls.brief(news);
  }

  tiles(news) {
    const ms = (value) => (value === null ? "–" : value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`);
    const users = news.users ?? this.crowd.length;
    write(find("clock"), `${news.t_s.toFixed(0)} s`);
    write(find("f-rate"), news.rate.toFixed(0));
    write(find("f-failed"), news.failed.toLocaleString("en"));
    write(find("f-p50"), ms(news.p50_ms));
    write(find("f-p99"), ms(news.p99_ms));
    write(find("f-users"), users > MOST_DOTS ? `${users} (${MOST_DOTS} drawn)` : String(users));
    write(find("f-moved"), news.moved.toLocaleString("en"));
    find("tile-failed").classList.toggle("bad", news.failed > 0);
    find("chart").setAttribute("aria-label",
      `${news.rate.toFixed(0)} requests a second, ${news.failed} failed, 99 of 100 within ${ms(news.p99_ms)}`);
  }

  verdict({word, sentence, run_folder}) {
    this.showHappened();
    const box = find("verdict");
    box.hidden = false;
    box.className = `verdict verdict-${word}`;
    box.replaceChildren(make("b", {textContent: word.toUpperCase()}), " ", sentence, " ",
      make("span", {className: "where", textContent: `The record and the report are in ${run_folder}.`}));
  }
}

const token = tokenOfThisTab();
const dashboard = new Dashboard(token || "");
if (token) dashboard.feed.run();
else dashboard.connection("refused");

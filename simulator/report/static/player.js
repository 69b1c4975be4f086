// Plays a recorded run: time goes on, jumps and stops; what happened until then is handed to the drawing.
//
// The feed is what simulator/report/feed.py has made of the record. Nothing is fetched.

import {ClusterDrawing} from "./cluster_drawing.js";

const FLAGS = ["ok", "retried", "failed"];
const CATCH_UP_S = 1.5; // further than this time does not flow, it jumps: nothing travels

// The index of the first entry later than t. `times` is sorted.
export function after(times, t) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function timeInHash(hash) {
  const found = /(?:^#|&)t=(\d+(?:\.\d+)?)/.exec(hash);
  return found ? Number(found[1]) : null;
}

export class Player {
  constructor(root, feed) {
    this.root = root;
    this.feed = feed;
    this.find = (name) => root.querySelector(`[data-player="${name}"]`);
    this.still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.drawing = new ClusterDrawing(this.find("stage"), {
      nodes: feed.nodes, users: feed.users, oldVersion: feed.old_version, still: this.still,
    });
    this.times = feed.events.map((event) => event.t);
    this.requestTimes = feed.requests.map((request) => request[0] / 1000);
    this.markTimes = feed.marks.map((mark) => mark.t);
    this.stepTimes = feed.steps.map((step) => step.t);
    this.failureTimes = feed.failures.map((failure) => failure.t);
    this.moveTimes = feed.events.filter((event) => event.moved).map((event) => event.t);
    this.t = feed.start_s;
    this.done = 0;
    this.doneRequests = 0;
    this.speed = 1;
    this.playing = false;
    this.failure = null;
    this.wire();
    this.drawMarks();
    const wanted = timeInHash(location.hash);
    this.seek(wanted === null ? feed.start_s : wanted);
  }

  wire() {
    const on = (name, what, act) => this.find(name).addEventListener(what, act);
    on("play", "click", () => this.toggle());
    on("back", "click", () => this.step(-1));
    on("next", "click", () => this.step(1));
    on("restart", "click", () => this.leap(this.feed.start_s));
    on("speed", "change", (event) => (this.speed = Number(event.target.value)));
    on("time", "input", (event) => this.leap(Number(event.target.value)));
    on("link", "click", () => this.share());
    if (this.feed.failures.length) {
      on("failure", "click", () => this.nextFailure());
      on("failure-list", "change", (event) => this.showFailure(Number(event.target.value)));
    }
    this.root.addEventListener("keydown", (event) => this.key(event));
    addEventListener("hashchange", () => this.followHash());
    addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="#t="]');
      if (link && link.getAttribute("href") === location.hash) this.followHash();
    });
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("select")) return;
    const button = event.target.matches("button, a, summary");
    const slider = event.target.matches("input");
    const act = {
      " ": () => (button ? null : this.toggle()),
      k: () => this.toggle(),
      n: () => this.step(1),
      p: () => this.step(-1),
      f: () => this.nextFailure(),
      Home: () => this.leap(this.feed.start_s),
      End: () => this.leap(this.feed.end_s),
      ArrowLeft: slider ? null : () => this.leap(this.t - 1),
      ArrowRight: slider ? null : () => this.leap(this.t + 1),
    }[event.key];
    if (!act || (event.key === " " && button)) return;
    event.preventDefault();
    act();
  }

  toggle() {
    if (this.playing) return this.pause();
    if (this.t >= this.feed.end_s) this.seek(this.feed.start_s);
    this.playing = true;
    this.clearFailure();
    this.last = performance.now();
    this.showPlaying();
    requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    this.playing = false;
    this.showPlaying();
    this.remember();
  }

  showPlaying() {
    const button = this.find("play");
    button.textContent = this.playing ? "❚❚ Pause" : "▶ Play";
    button.setAttribute("aria-pressed", String(this.playing));
  }

  tick(now) {
    if (!this.playing) return;
    const passed = ((now - this.last) / 1000) * this.speed;
    this.last = now;
    this.advance(Math.min(this.t + passed, this.feed.end_s), passed < CATCH_UP_S);
    if (this.t >= this.feed.end_s) return this.pause();
    requestAnimationFrame((later) => this.tick(later));
  }

  // Somebody chose a moment: stop there, and let the address say so.
  leap(t) {
    if (this.playing) this.pause();
    this.clearFailure();
    this.seek(t);
    this.remember();
  }

  seek(t) {
    const wanted = Math.min(Math.max(t, this.feed.start_s), this.feed.end_s);
    if (wanted < this.t || this.done === 0) {
      this.drawing.reset();
      this.done = 0;
    }
    this.doneRequests = after(this.requestTimes, wanted);
    this.advance(wanted, false);
  }

  advance(t, moving) {
    this.t = t;
    const end = after(this.times, t);
    for (; this.done < end; this.done += 1) this.drawing.take(this.feed.events[this.done], {moving});
    const last = after(this.requestTimes, t);
    for (; this.doneRequests < last; this.doneRequests += 1) {
      const [, user, node, flag] = this.feed.requests[this.doneRequests];
      this.drawing.take({what: "request", user: this.feed.users[user], node: this.feed.nodes[node], outcome: FLAGS[flag]}, {moving});
    }
    this.tell();
  }

  tell() {
    const {feed, t} = this;
    const slider = this.find("time");
    slider.value = t;
    slider.setAttribute("aria-valuetext", `${t.toFixed(1)} seconds`);
    this.find("clock").textContent = `${t.toFixed(1)} s`;
    const step = feed.steps[after(this.stepTimes, t) - 1];
    this.write("step", step ? `${step.number}. ${step.title}` : "Before the first step");
    const mark = feed.marks[after(this.markTimes, t) - 1];
    this.write("event", mark ? `${mark.t.toFixed(2)} s: ${mark.text}` : "");
    this.write("failed", String(after(this.failureTimes, t)));
    this.write("moved", String(after(this.moveTimes, t)));
    const state = this.clusterState();
    if (state !== this.state) {
      this.state = state;
      for (const item of this.root.querySelectorAll("[data-state]")) {
        item.toggleAttribute("data-lit", item.dataset.state === state);
        if (item.dataset.state === state) item.setAttribute("aria-current", "step");
        else item.removeAttribute("aria-current");
      }
    }
  }

  write(name, text) {
    const element = this.find(name);
    if (element.textContent !== text) element.textContent = text;
  }

  clusterState() {
    const found = this.feed.cluster.findLast((segment) => segment.from_s <= this.t);
    return found ? found.state : "";
  }

  step(direction) {
    const {markTimes, t} = this;
    const index = direction > 0 ? after(markTimes, t + 1e-6) : after(markTimes, t - 1e-3) - 1;
    if (index >= 0 && index < markTimes.length) this.leap(markTimes[index]);
    else this.leap(direction > 0 ? this.feed.end_s : this.feed.start_s);
  }

  nextFailure() {
    const {failures} = this.feed;
    if (!failures.length) return;
    const here = this.failure === null ? after(this.failureTimes, this.t) : this.failure + 1;
    this.showFailure(here >= failures.length ? 0 : here);
  }

  showFailure(index) {
    const failure = this.feed.failures[index];
    if (!failure) return;
    if (this.playing) this.pause();
    this.seek(failure.t);
    this.failure = index;
    this.find("failure-list").value = String(index);
    this.drawing.showPath({user: failure.user, node: failure.node, failed: true, label: failure.outcome});
    this.find("way").hidden = false;
    this.find("way").replaceChildren(...failure.way.map((line) => Object.assign(document.createElement("li"), {textContent: line})));
    this.remember();
  }

  clearFailure() {
    if (this.failure === null) return;
    this.failure = null;
    this.drawing.showPath(null);
    this.find("way").hidden = true;
  }

  remember() {
    try {
      history.replaceState(null, "", `#t=${this.t.toFixed(2)}`);
    } catch {
      // some browsers refuse it for a file; the link button still tells the address
    }
  }

  followHash() {
    const wanted = timeInHash(location.hash);
    if (wanted === null) return;
    if (this.playing) this.pause();
    this.clearFailure();
    const failed = this.feed.failures.findIndex((failure) => Math.abs(failure.t - wanted) < 0.001);
    if (failed >= 0) this.showFailure(failed);
    else this.seek(wanted);
    this.root.scrollIntoView({block: "start", behavior: this.still ? "auto" : "smooth"});
    this.find("play").focus({preventScroll: true});
  }

  async share() {
    const address = `${location.href.split("#")[0]}#t=${this.t.toFixed(2)}`;
    this.remember();
    try {
      await navigator.clipboard.writeText(address);
      this.write("told", "The link to this moment is copied.");
    } catch {
      this.write("told", `The link to this moment: ${address}`);
    }
  }

  // Ticks under the slider: steps as numbers, failures as crosses.
  drawMarks() {
    const {start_s, end_s, steps, failures} = this.feed;
    const at = (t) => `${(100 * (t - start_s)) / Math.max(end_s - start_s, 0.001)}%`;
    const marks = this.find("marks");
    let last = -1;
    for (const step of steps) {
      const share = (step.t - start_s) / Math.max(end_s - start_s, 0.001);
      if (share < 0 || share - last < 0.012) continue;
      last = share;
      const mark = document.createElement("span");
      mark.className = "mark-step";
      mark.style.left = at(step.t);
      marks.append(mark);
    }
    for (const failure of failures.slice(0, 200)) {
      const mark = document.createElement("span");
      mark.className = "mark-failure";
      mark.style.left = at(failure.t);
      marks.append(mark);
    }
  }
}

const feed = document.getElementById("feed");
if (feed) {
  const root = document.getElementById("player");
  root.hidden = false;
  globalThis.zduPlayer = new Player(root, JSON.parse(feed.textContent));
}

// Who tells the story opens the page with ?notes.
if (new URLSearchParams(location.search).has("notes")) {
  for (const notes of document.querySelectorAll(".speaker-notes")) notes.hidden = false;
}

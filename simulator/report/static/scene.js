// One recorded run at one moment: its drawing, its states, and what has happened in it until then, in words.
//
// The feed is what simulator/report/feed.py has made of the record. Nothing is fetched.

import {ClusterDrawing} from "./cluster_drawing.js";

const FLAGS = ["ok", "retried", "failed"];

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

export class Scene {
  constructor(root, feed, {still = false} = {}) {
    this.root = root;
    this.feed = feed;
    this.find = (name) => root.querySelector(`[data-player="${name}"]`);
    this.drawing = new ClusterDrawing(this.find("stage"), {
      nodes: feed.nodes, users: feed.users, oldVersion: feed.old_version, still,
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
  }

  // To a moment, at once. Before its beginning and after its end a run stands still.
  seek(t) {
    const wanted = this.within(t);
    if (wanted < this.t || this.done === 0) {
      this.drawing.reset();
      this.done = 0;
    }
    this.doneRequests = after(this.requestTimes, wanted);
    this.advance(wanted, false);
  }

  // On to a later moment; with `moving` what happens meanwhile is seen to happen.
  advance(t, moving) {
    this.t = this.within(t);
    const end = after(this.times, this.t);
    for (; this.done < end; this.done += 1) this.drawing.take(this.feed.events[this.done], {moving});
    const last = after(this.requestTimes, this.t);
    for (; this.doneRequests < last; this.doneRequests += 1) {
      const [, user, node, flag] = this.feed.requests[this.doneRequests];
      this.drawing.take({what: "request", user: this.feed.users[user], node: this.feed.nodes[node], outcome: FLAGS[flag]}, {moving});
    }
    this.tell();
  }

  within(t) {
    return Math.min(Math.max(t, this.feed.start_s), this.feed.end_s);
  }

  tell() {
    const {feed, t} = this;
    this.write("clock", `${t.toFixed(1)} s`);
    const step = feed.steps[after(this.stepTimes, t) - 1];
    this.write("step", step ? `${step.number}. ${step.title}` : "Before the first step");
    const mark = feed.marks[after(this.markTimes, t) - 1];
    this.write("event", mark ? `${mark.t.toFixed(2)} s: ${mark.text}` : "");
    const failed = after(this.failureTimes, t); // of those that are shown; each knows its number among all
    this.write("failed", failed ? feed.failures[failed - 1].number.toLocaleString("en") : "0");
    this.write("moved", String(after(this.moveTimes, t)));
    const state = feed.cluster.findLast((segment) => segment.from_s <= t)?.state || "";
    if (state === this.state) return;
    this.state = state;
    for (const item of this.root.querySelectorAll("[data-state]")) {
      item.toggleAttribute("data-lit", item.dataset.state === state);
      if (item.dataset.state === state) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
  }

  write(name, text) {
    const element = this.find(name);
    if (element.textContent !== text) element.textContent = text;
  }
}

// Plays one recorded run, and shows the way of each request that failed.

import {Scene, after} from "./scene.js";
import {Transport, timeInHash} from "./transport.js";

const HUNDREDTH_S = 0.006; // an address has hundredths of a second
const MARKS_APART_IN_ONE = 0.012; // of the slider; closer together they cannot be told apart
export class Player {
  constructor(root, feed) {
    this.feed = feed;
    this.find = (name) => root.querySelector(`[data-player="${name}"]`);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.scene = new Scene(root, feed, {still});
    this.failure = null;
    this.transport = new Transport(root, {
      seek: (t) => this.scene.seek(t),
      advance: (t, moving) => this.scene.advance(t, moving),
      chosen: () => this.clearFailure(),
      followed: (t) => this.followFailure(t),
    });
    this.transport.keys.f = () => this.nextFailure();
    this.transport.span(feed.start_s, feed.end_s, this.scene.markTimes);
    this.transport.mark("marks", this.scene.stepTimes, "mark-step", {apart: MARKS_APART_IN_ONE});
    this.transport.mark("marks", this.scene.failureTimes, "mark-failure");
    if (feed.failures.length) {
      this.find("failure").addEventListener("click", () => this.nextFailure());
      this.find("failure-list").addEventListener("change", (event) => this.showFailure(Number(event.target.value)));
    }
    const wanted = timeInHash(location.hash);
    if (wanted === null || !this.followFailure(wanted)) this.transport.seek(wanted ?? feed.start_s);
  }

  nextFailure() {
    const {failures} = this.feed;
    if (!failures.length) return;
    const here = this.failure === null ? after(this.scene.failureTimes, this.transport.t) : this.failure + 1;
    this.showFailure(here >= failures.length ? 0 : here);
  }

  showFailure(index) {
    const failure = this.feed.failures[index];
    if (!failure) return;
    if (this.transport.playing) this.transport.pause();
    this.transport.seek(failure.t);
    this.failure = index;
    this.find("failure-list").value = String(index);
    this.scene.drawing.showPath({user: failure.user, node: failure.node, failed: true, label: failure.outcome});
    this.find("way").hidden = false;
    this.find("way").replaceChildren(...failure.way.map((line) => Object.assign(document.createElement("li"), {textContent: line})));
    this.transport.remember();
  }

  // An address that names the moment of a failed request shows its way; whether it does.
  followFailure(t) {
    const far = this.scene.failureTimes.map((at) => Math.abs(at - t));
    const nearest = Math.min(...far);
    if (nearest > HUNDREDTH_S) return false;
    this.showFailure(far.indexOf(nearest));
    return true;
  }

  clearFailure() {
    if (this.failure === null) return;
    this.failure = null;
    this.scene.drawing.showPath(null);
    this.find("way").hidden = true;
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

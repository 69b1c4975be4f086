// Plays two recorded runs side by side, on one time axis that begins at a moment which both had.

import {Scene} from "./scene.js";
import {Transport, timeInHash} from "./transport.js";

const MARKS_APART_IN_PAIR = 0.008; // of the slider; closer together ticks cannot be told apart

// The moments of all runs on the common axis: where it begins and ends, and where something happens. Pure.
export function align(feeds, anchor) {
  const zeros = feeds.map((feed) => feed.anchors[anchor]);
  return {
    zeros,
    start_s: Math.min(...feeds.map((feed, run) => feed.start_s - zeros[run])),
    end_s: Math.max(...feeds.map((feed, run) => feed.end_s - zeros[run])),
    marks: feeds.flatMap((feed, run) => feed.marks.map((mark) => mark.t - zeros[run])).sort((a, b) => a - b),
  };
}

export class Pair {
  constructor(root, feeds) {
    this.feeds = feeds;
    this.root = root;
    this.find = (name) => root.querySelector(`[data-player="${name}"]`);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.scenes = feeds.map((feed, run) => new Scene(root.querySelector(`[data-run="${run}"]`), feed, {still}));
    this.transport = new Transport(root, {
      seek: (t) => this.each((scene, zero_s) => scene.seek(t + zero_s), t),
      advance: (t, moving) => this.each((scene, zero_s) => scene.advance(t + zero_s, moving), t),
      hash: (t) => `#t=${t.toFixed(2)}&from=${this.anchor}`,
      followed: () => this.followAnchor(),
    });
    this.find("anchor").addEventListener("change", ({target}) => this.from(target.value, 0, true));
    const wanted = timeInHash(location.hash);
    const from = this.anchorInHash() || this.find("anchor").value;
    this.from(from, wanted ?? -Infinity);
  }

  each(act, t) {
    this.scenes.forEach((scene, run) => act(scene, this.zeros[run]));
    const at = `${t < -0.05 ? "−" : ""}${Math.abs(t).toFixed(1)} s`;
    if (this.find("at").textContent !== at) this.find("at").textContent = at;
  }

  // Count time from another moment, and go to `t` of the new axis.
  from(anchor, t, chosen = false) {
    this.anchor = anchor;
    this.find("anchor").value = anchor;
    const {zeros, start_s, end_s, marks} = align(this.feeds, anchor);
    this.zeros = zeros;
    this.transport.span(start_s, end_s, marks);
    this.scenes.forEach((scene, run) => {
      const here = (times) => times.map((at) => at - zeros[run]);
      this.find(`marks-${run}`).replaceChildren();
      this.transport.mark(`marks-${run}`, here(scene.stepTimes), "mark-step", {apart: MARKS_APART_IN_PAIR});
      this.transport.mark(`marks-${run}`, here(scene.failureTimes), "mark-failure");
    });
    if (chosen) this.transport.leap(t);
    else this.transport.seek(t);
  }

  anchorInHash() {
    const named = /(?:^#|&)from=(\w+)/.exec(location.hash)?.[1];
    return named && this.feeds.every((feed) => named in feed.anchors) ? named : null;
  }

  followAnchor() {
    const named = this.anchorInHash();
    if (!named || named === this.anchor) return false;
    this.from(named, timeInHash(location.hash));
    return true;
  }
}

const feeds = document.getElementById("feeds");
if (feeds) {
  const root = document.getElementById("pair");
  root.hidden = false;
  globalThis.zduPair = new Pair(root, JSON.parse(feeds.textContent));
}

// The hand on time: plays, stops, steps from event to event, and keeps the moment in the address.

import {after} from "./scene.js";

const MARKS_APART = 0.004; // of the slider: closer together one mark hides the other
const CATCH_UP_S = 1.5; // further than this time does not flow, it jumps: nothing travels

export function timeInHash(hash) {
  const found = /(?:^#|&)t=(-?\d+(?:\.\d+)?)/.exec(hash);
  return found ? Number(found[1]) : null;
}

export class Transport {
  // `seek` shows a moment at once, `advance` lets time flow to it; `chosen` hears that somebody chose another moment.
  constructor(root, {seek, advance, chosen = () => {}, followed = () => false, hash = (t) => `#t=${t.toFixed(2)}`}) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-player="${name}"]`);
    Object.assign(this, {show: seek, flow: advance, chosen, followed, hash});
    this.still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.speed = 1;
    this.playing = false;
    this.keys = {};
    this.wire();
  }

  // The stretch of time there is, and the moments at which "next event" stops.
  span(start_s, end_s, markTimes) {
    Object.assign(this, {start_s, end_s, markTimes});
    Object.assign(this.find("time"), {min: start_s, max: end_s});
  }

  wire() {
    const on = (name, what, act) => this.find(name).addEventListener(what, act);
    on("play", "click", () => this.toggle());
    on("back", "click", () => this.step(-1));
    on("next", "click", () => this.step(1));
    on("restart", "click", () => this.leap(this.start_s));
    on("speed", "change", (event) => (this.speed = Number(event.target.value)));
    on("time", "input", (event) => this.leap(Number(event.target.value)));
    on("link", "click", () => this.share());
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
      " ": () => this.toggle(),
      k: () => this.toggle(),
      n: () => this.step(1),
      p: () => this.step(-1),
      Home: () => this.leap(this.start_s),
      End: () => this.leap(this.end_s),
      ArrowLeft: slider ? null : () => this.leap(this.t - 1),
      ArrowRight: slider ? null : () => this.leap(this.t + 1),
      ...this.keys,
    }[event.key];
    if (!act || (event.key === " " && button)) return;
    event.preventDefault();
    act();
  }

  toggle() {
    if (this.playing) return this.pause();
    if (this.t >= this.end_s) this.seek(this.start_s);
    this.playing = true;
    this.chosen();
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
    this.t = Math.min(this.t + passed, this.end_s);
    this.flow(this.t, passed < CATCH_UP_S);
    this.tell();
    if (this.t >= this.end_s) return this.pause();
    requestAnimationFrame((later) => this.tick(later));
  }

  // Somebody chose a moment: stop there, and let the address say so.
  leap(t) {
    if (this.playing) this.pause();
    this.chosen();
    this.seek(t);
    this.remember();
  }

  seek(t) {
    this.t = Math.min(Math.max(t, this.start_s), this.end_s);
    this.show(this.t);
    this.tell();
  }

  tell() {
    const slider = this.find("time");
    slider.value = this.t;
    slider.setAttribute("aria-valuetext", `${this.t.toFixed(1)} seconds`);
  }

  step(direction) {
    const {markTimes, t} = this;
    const index = direction > 0 ? after(markTimes, t + 1e-6) : after(markTimes, t - 1e-3) - 1;
    if (index >= 0 && index < markTimes.length) this.leap(markTimes[index]);
    else this.leap(direction > 0 ? this.end_s : this.start_s);
  }

  remember() {
    try {
      history.replaceState(null, "", this.hash(this.t));
    } catch {
      // some browsers refuse it for a file; the link button still tells the address
    }
  }

  followHash() {
    const wanted = timeInHash(location.hash);
    if (wanted === null) return;
    if (this.playing) this.pause();
    this.chosen();
    if (!this.followed(wanted)) this.seek(wanted);
    this.root.scrollIntoView({block: "start", behavior: this.still ? "auto" : "smooth"});
    this.find("play").focus({preventScroll: true});
  }

  async share() {
    const address = `${location.href.split("#")[0]}${this.hash(this.t)}`;
    this.remember();
    let told = `The link to this moment: ${address}`;
    try {
      await navigator.clipboard.writeText(address);
      told = "The link to this moment is copied.";
    } catch {
      // without a clipboard the address is to be read
    }
    this.find("told").textContent = told;
  }

  // A tick under the slider for each of the moments.
  mark(name, times, css, {apart = MARKS_APART} = {}) {
    const length = Math.max(this.end_s - this.start_s, 0.001);
    let last = -1;
    for (const t of times) {
      const share = (t - this.start_s) / length;
      if (share < 0 || share > 1 || share - last < apart) continue;
      last = share;
      const mark = Object.assign(document.createElement("span"), {className: css});
      mark.style.left = `${100 * share}%`;
      this.find(name).append(mark);
    }
  }
}

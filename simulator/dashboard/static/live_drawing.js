// The drawing of a recorded run, for a cluster whose users come and go.

import {ClusterDrawing} from "./cluster_drawing.js";

export const MOST_DOTS = 300; // more than this nobody can follow; the first of them are shown

export class LiveDrawing extends ClusterDrawing {
  // Whoever is at work now. Who is new begins at the log-in page; who has gone home disappears.
  setUsers(names) {
    const shown = names.slice(0, MOST_DOTS);
    const wanted = new Set(shown);
    const gone = this.userNames.filter((name) => !wanted.has(name));
    const come = shown.filter((name) => !this.visits.has(name));
    if (!gone.length && !come.length) return;
    for (const name of gone) {
      const seats = this.seats.get(this.visits.get(name));
      seats[seats.indexOf(name)] = null;
      while (seats.length && seats.at(-1) === null) seats.pop();
      this.visits.delete(name);
      this.dots.get(name).element.remove();
      this.dots.delete(name);
    }
    for (const name of come) {
      this.visits.set(name, "");
      this.seats.get("").push(name);
      this.dots.set(name, this.dot(name));
    }
    this.userNames = shown;
    this.places = null;
    this.resize();
  }
}

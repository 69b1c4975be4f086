// Draws a cluster: people, the load balancer, the nodes with their versions and states, and who is where.
//
// It is fed with events and knows nothing of where they come from: a recorded run that is played, or a live one.
//   {what: "state" | "version" | "balancer" | "out" | "shows", node, value}   the words of a record's changes
//   {what: "visit", user, node, unseen}      this user is served by that node now; without a node: at the log-in page
//   {what: "request", user, node, outcome}   one request on its way; outcome is "ok", "retried" or "failed"
// Everything that a colour says is said by a word, a shape or a pattern, too.

const SVG = "http://www.w3.org/2000/svg";
const DOT = 5;
const MOVE_MS = 650;
const PULSE_MS = 420;
const MAX_PULSES = 80;
const WIDEST = 1010; // from there on the drawing grows instead of getting more room

function make(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (parent) parent.append(element);
  return element;
}

function ease(share) {
  return share < 0.5 ? 2 * share * share : 1 - (-2 * share + 2) ** 2 / 2;
}

// Where things are, for a width. Pure: the same input gives the same places.
export function layOut(width, nodeCount, userCount) {
  const narrow = width < 620;
  const columns = narrow ? (nodeCount > 3 ? 2 : 1) : nodeCount > 8 ? 3 : nodeCount > 3 ? 2 : 1;
  const rows = Math.ceil(nodeCount / columns);
  const left = narrow ? 8 : Math.round(width * 0.44);
  const gap = narrow && columns > 1 ? 34 : 14;
  const channel = narrow && columns === 1 ? 26 : 0; // where the lines run on a narrow screen
  const cardWidth = Math.floor((width - left - 8 - channel - gap * (columns - 1)) / columns);
  const perRow = Math.max(4, Math.floor((cardWidth - 20) / (DOT * 2 + 4)));
  const dotRows = Math.max(1, Math.ceil(Math.min(userCount, userCount / Math.max(1, nodeCount - 1) + 4) / perRow));
  const cardHeight = 66 + Math.max(2, dotRows) * (DOT * 2 + 4);
  const rowGap = narrow ? 14 : gap;
  const top = narrow ? 134 : 12;
  const height = Math.max(top + rows * (cardHeight + rowGap), narrow ? 0 : 230);
  const middle = narrow ? 66 : height / 2;
  const nodes = Array.from({length: nodeCount}, (_, index) => ({
    x: left + (index % columns) * (cardWidth + gap),
    y: top + Math.floor(index / columns) * (cardHeight + rowGap) + (narrow ? 0 : Math.max(0, (height - top - rows * (cardHeight + rowGap)) / 2)),
    inward: narrow && index % columns === 1 ? "left" : narrow ? "right" : "left",
    width: cardWidth,
    height: cardHeight,
    perRow,
  }));
  const door = narrow
    ? {x: 8, y: middle - 50, width: columns > 1 ? width * 0.28 : width * 0.4, height: 100}
    : {x: 8, y: middle - 75, width: width * 0.135, height: 150};
  const balancer = narrow
    ? {x: columns > 1 ? width / 2 - 60 : width - 158, y: middle - 32, width: columns > 1 ? 120 : 150, height: 56}
    : {x: width * 0.17, y: middle - 42, width: Math.max(104, width * 0.115), height: 84};
  door.perRow = Math.max(3, Math.floor((door.width - 16) / (DOT * 2 + 4)));
  // Small cards have two short lines: name and version, then state and the balancer's word.
  return {width, height, narrow, nodes, door, balancer, small: cardWidth < 240, wordsInCards: narrow || columns > 1};
}

export class ClusterDrawing {
  constructor(container, {nodes, users, oldVersion = "", still = false}) {
    this.container = container;
    this.nodeNames = nodes;
    this.userNames = users;
    this.oldVersion = oldVersion;
    this.still = still;
    this.onNode = null;
    this.reset();
    this.build();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(container);
  }

  // Forget everything: as before the first event.
  reset() {
    this.nodes = new Map(this.nodeNames.map((name) => [name, {state: "", version: "", balancer: "", out: "", shows: ""}]));
    this.visits = new Map(this.userNames.map((name) => [name, ""]));
    this.seats = new Map(["", ...this.nodeNames].map((name) => [name, []]));
    for (const name of this.userNames) this.seats.get("").push(name);
    this.pulses = [];
    this.path = null;
  }

  // One event; with `moving` false nothing travels, it is there at once.
  take(event, {moving = true} = {}) {
    if (event.what === "visit") this.visit(event, moving);
    else if (event.what === "request") this.pulse(event, moving);
    else if (this.nodes.has(event.node)) this.nodes.get(event.node)[event.what] = event.value;
    this.later();
  }

  // The way of one request, kept until the next call: {user, node, failed, label}; null takes it away.
  showPath(path) {
    this.path = path;
    this.later();
  }

  visit({user, node}, moving) {
    if (!this.visits.has(user) || !this.seats.has(node)) return;
    const seats = this.seats.get(this.visits.get(user));
    seats[seats.indexOf(user)] = null;
    while (seats.length && seats[seats.length - 1] === null) seats.pop();
    const there = this.seats.get(node);
    const free = there.indexOf(null);
    if (free >= 0) there[free] = user;
    else there.push(user);
    this.visits.set(user, node);
    const dot = this.dots.get(user);
    if (moving && !this.still) Object.assign(dot, {from: {x: dot.x, y: dot.y}, began: performance.now()});
    else dot.began = null;
  }

  pulse({user, node, outcome}, moving) {
    if (!moving || this.still || (this.pulses.length >= MAX_PULSES && outcome === "ok")) return;
    this.pulses.push({user, node, outcome, began: performance.now()});
  }

  build() {
    const svg = make("svg", {class: "cluster-drawing", role: "img"});
    this.container.replaceChildren(svg);
    this.svg = svg;
    this.description = make("desc", {}, svg);
    this.lines = make("g", {}, svg);
    this.boxes = make("g", {}, svg);
    this.words = make("g", {}, svg);
    this.pathLayer = make("g", {}, svg);
    this.dotLayer = make("g", {}, svg);
    this.pulseLayer = make("g", {}, svg);
    this.pulseDots = [];
    this.door = this.box("door", "log-in page");
    this.balancer = this.box("balancer-box", "load balancer");
    this.cards = this.nodeNames.map((name) => this.card(name));
    this.dots = new Map(this.userNames.map((name) => [name, this.dot(name)]));
    this.resize();
  }

  box(css, label) {
    const group = make("g", {class: css}, this.boxes);
    return {rect: make("rect", {rx: 8}, group), text: Object.assign(make("text", {class: "box-label"}, group), {textContent: label})};
  }

  card(name) {
    const group = make("g", {class: "card"}, this.boxes);
    const card = {
      name,
      group,
      rect: make("rect", {rx: 8, class: "card-box"}, group),
      title: make("text", {class: "card-title"}, group),
      versionBox: make("rect", {rx: 3, class: "chip"}, group),
      version: make("text", {class: "chip-text"}, group),
      state: make("text", {class: "card-state"}, group),
      shows: make("text", {class: "card-shows"}, group),
      line: make("path", {class: "link"}, this.lines),
      wordBox: make("rect", {rx: 3, class: "link-word-box"}, this.words),
      word: make("text", {class: "link-word"}, this.words),
    };
    card.title.textContent = name;
    return card;
  }

  dot(name) {
    const element = make("circle", {r: DOT, class: "user"}, this.dotLayer);
    make("title", {}, element).textContent = name;
    return {element, x: 0, y: 0, from: null, began: null};
  }

  resize() {
    const there = this.container.clientWidth || 900;
    const zoom = Math.max(1, there / WIDEST); // a wall is looked at from the last row
    const width = Math.max(300, Math.round(there / zoom));
    if (this.places && this.places.width === width && this.zoom === zoom) return;
    this.zoom = zoom;
    this.places = layOut(width, this.nodeNames.length, this.userNames.length);
    const {height, door, balancer, nodes} = this.places;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("height", Math.round(height * zoom));
    for (const [box, place] of [[this.door, door], [this.balancer, balancer]]) {
      for (const key of ["x", "y", "width", "height"]) box.rect.setAttribute(key, place[key]);
      box.text.setAttribute("x", place.x + place.width / 2);
      box.text.setAttribute("y", box === this.balancer ? place.y + place.height / 2 + 4 : place.y + 17);
    }
    this.cards.forEach((card, index) => this.placeCard(card, nodes[index]));
    for (const dot of this.dots.values()) dot.began = null;
    this.later();
  }

  placeCard(card, place) {
    for (const key of ["x", "y", "width", "height"]) card.rect.setAttribute(key, place[key]);
    card.title.setAttribute("x", place.x + 12);
    card.title.setAttribute("y", place.y + 21);
    const {small, wordsInCards} = this.places;
    card.state.setAttribute("x", small ? place.x + 12 : place.x + place.width - 12);
    card.state.setAttribute("y", place.y + (small ? 40 : 21));
    card.state.setAttribute("class", small ? "card-state card-state-small" : "card-state");
    card.shows.setAttribute("x", place.x + 12);
    card.shows.setAttribute("y", place.y + 39);
    const {balancer, narrow} = this.places;
    const right = balancer.x + balancer.width;
    if (narrow) {
      const fromRight = place.inward === "right";
      const channel = fromRight ? place.x + place.width + 13 : place.x - 13;
      const edge = fromRight ? place.x + place.width : place.x;
      card.line.setAttribute("d", `M${channel} ${balancer.y + balancer.height}V${place.y + place.height / 2}H${edge}`);
    }
    if (wordsInCards) card.at = {x: place.x + place.width - 12, y: place.y + 36};
    if (narrow) return;
    const from = {x: right, y: balancer.y + balancer.height / 2};
    const to = {x: place.x, y: place.y + place.height / 2};
    card.line.setAttribute("d", `M${from.x} ${from.y}C${(from.x + to.x) / 2} ${from.y} ${from.x + (to.x - from.x) * 0.3} ${to.y} ${to.x} ${to.y}`);
    if (!wordsInCards) card.at = {x: (from.x + to.x) / 2, y: from.y * 0.3 + to.y * 0.7};
  }

  later() {
    if (!this.waiting) this.waiting = requestAnimationFrame((now) => this.draw(now));
  }

  draw(now) {
    this.waiting = null;
    for (const card of this.cards) this.drawCard(card, this.nodes.get(card.name));
    let busy = this.drawDots(now);
    busy = this.drawPulses(now) || busy;
    this.drawPath();
    this.describe();
    if (busy) this.later();
  }

  drawCard(card, node) {
    const word = node.state || "not started";
    card.group.setAttribute("class", `card card-${word.toLowerCase().replaceAll(" ", "-")}`);
    card.state.textContent = word;
    card.shows.textContent = node.shows && !this.places.small && !this.places.narrow ? `shows ${node.shows.replaceAll("_", " ")}` : "";
    const isNew = node.version && this.oldVersion && node.version !== this.oldVersion;
    card.versionBox.setAttribute("class", `chip ${node.version ? (isNew ? "chip-new" : "chip-old") : "chip-none"}`);
    card.version.setAttribute("class", `chip-text ${isNew ? "chip-text-new" : ""}`);
    const place = this.places.nodes[this.nodeNames.indexOf(card.name)];
    card.titleWidth ||= card.title.getComputedTextLength();
    const x = place.x + 22 + card.titleWidth;
    const room = place.x + place.width - x - (this.places.small ? 8 : 100);
    const letters = Math.max(3, Math.floor((room - 12) / 7.6)); // a long version ends with dots rather than under the state
    card.version.textContent = node.version.length > letters ? `${node.version.slice(0, letters - 1)}…` : node.version;
    const wide = card.version.textContent.length * 7.6 + 12;
    for (const [key, value] of Object.entries({x, y: place.y + 8, width: wide, height: 18})) card.versionBox.setAttribute(key, value);
    card.version.setAttribute("x", x + wide / 2);
    card.version.setAttribute("y", place.y + 21);
    const serving = node.balancer === "UP" && !node.out;
    const going = node.balancer === "STOPPING" || node.balancer === "DRAIN" || node.balancer === "GOING_DOWN";
    card.line.setAttribute("class", `link ${serving ? "link-up" : going && !node.out ? "link-draining" : "link-out"}`);
    const label = node.balancer ? node.balancer.replaceAll("_", " ") + (node.out ? ", out" : "") : "";
    const inCard = this.places.wordsInCards;
    const labelWidth = inCard || !label ? 0 : label.length * 7.4 + 10;
    card.word.textContent = label;
    card.word.setAttribute("class", inCard ? "link-word link-word-in-card" : "link-word");
    card.word.setAttribute("x", card.at.x);
    card.word.setAttribute("y", card.at.y + 4);
    for (const [key, value] of Object.entries({x: card.at.x - labelWidth / 2, y: card.at.y - 9, width: labelWidth, height: 18})) card.wordBox.setAttribute(key, value);
  }

  seat(user) {
    const node = this.visits.get(user);
    const place = node ? this.places.nodes[this.nodeNames.indexOf(node)] : this.places.door;
    const index = this.seats.get(node).indexOf(user);
    const step = DOT * 2 + 4;
    return {
      x: place.x + (node ? 17 : 14) + (index % place.perRow) * step,
      y: place.y + (node ? 58 : 34) + Math.floor(index / place.perRow) * step,
    };
  }

  drawDots(now) {
    let busy = false;
    for (const [user, dot] of this.dots) {
      const seat = this.seat(user);
      let {x, y} = seat;
      if (dot.began !== null) {
        const share = Math.min(1, (now - dot.began) / MOVE_MS);
        if (share >= 1) dot.began = null;
        else {
          busy = true;
          ({x, y} = this.along(dot.from, seat, ease(Math.max(0, share))));
        }
      }
      if (x !== dot.x || y !== dot.y) {
        dot.x = x;
        dot.y = y;
        dot.element.setAttribute("cx", x);
        dot.element.setAttribute("cy", y);
      }
      const node = this.nodes.get(this.visits.get(user));
      const isNew = Boolean(node && node.version && this.oldVersion && node.version !== this.oldVersion);
      const css = `user${dot.began !== null ? " user-moving" : ""}${isNew ? " user-new" : ""}`;
      if (css !== dot.css) dot.element.setAttribute("class", (dot.css = css));
    }
    return busy;
  }

  // Whoever moves goes by way of the load balancer.
  along(from, to, share) {
    const {balancer} = this.places;
    const via = {x: balancer.x + balancer.width / 2, y: balancer.y + balancer.height / 2};
    const keep = (1 - share) ** 2, mid = 2 * share * (1 - share), end = share ** 2;
    return {x: keep * from.x + mid * via.x + end * to.x, y: keep * from.y + mid * via.y + end * to.y};
  }

  drawPulses(now) {
    this.pulses = this.pulses.filter((pulse) => now - pulse.began < PULSE_MS * (pulse.outcome === "failed" ? 3 : 1));
    while (this.pulseDots.length < this.pulses.length) this.pulseDots.push(make("path", {}, this.pulseLayer));
    this.pulseDots.forEach((element, index) => {
      const pulse = this.pulses[index];
      if (!pulse) return element.setAttribute("d", "");
      const {balancer, nodes, narrow} = this.places;
      const place = nodes[this.nodeNames.indexOf(pulse.node)];
      const from = narrow ? {x: balancer.x + balancer.width / 2, y: balancer.y + balancer.height} : {x: balancer.x + balancer.width, y: balancer.y + balancer.height / 2};
      const dot = this.dots.get(pulse.user);
      const to = dot && this.visits.get(pulse.user) === pulse.node ? dot : place ? {x: place.x + (narrow ? place.width / 2 : 4), y: place.y + (narrow ? 4 : place.height / 2)} : from;
      const share = Math.min(1, (now - pulse.began) / PULSE_MS);
      const x = from.x + (to.x - from.x) * share, y = from.y + (to.y - from.y) * share;
      element.setAttribute("class", `pulse pulse-${pulse.outcome}`);
      element.setAttribute("d", pulse.outcome === "failed" ? `M${x - 7} ${y - 7}l14 14m0 -14l-14 14` : `M${x - 2.5} ${y}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0`);
    });
    return this.pulses.length > 0;
  }

  drawPath() {
    if (!this.path) return this.pathLayer.replaceChildren();
    const {user, node, failed, label} = this.path;
    const {balancer, nodes, door} = this.places;
    const centre = (place) => ({x: place.x + place.width / 2, y: place.y + place.height / 2});
    const points = [this.dots.get(user) || centre(door), centre(balancer)];
    if (node) points.push(centre(nodes[this.nodeNames.indexOf(node)] || balancer));
    const end = points[points.length - 1];
    this.pathLayer.replaceChildren();
    make("path", {class: `way ${failed ? "way-failed" : ""}`, d: "M" + points.map(({x, y}) => `${x} ${y}`).join("L")}, this.pathLayer);
    if (failed) make("path", {class: "way-end", d: `M${end.x - 9} ${end.y - 9}l18 18m0 -18l-18 18`}, this.pathLayer);
    const text = make("text", {class: "way-label", x: end.x, y: end.y - 16}, this.pathLayer);
    text.textContent = label;
  }

  // The text alternative, in the words of the picture.
  describe() {
    const served = new Map();
    for (const node of this.visits.values()) served.set(node, (served.get(node) || 0) + 1);
    const told = this.nodeNames.map((name) => {
      const node = this.nodes.get(name);
      return `${name} ${node.version || "without a process"} ${node.state || "not started"}, load balancer: ${node.balancer || "unknown"}${node.out ? ", out" : ""}, ${served.get(name) || 0} users`;
    });
    const text = `${told.join("; ")}; ${served.get("") || 0} users at the log-in page.`;
    if (text !== this.description.textContent) {
      this.description.textContent = text;
      this.svg.setAttribute("aria-label", text);
    }
  }
}

// Requests a second, failed ones and the 99th percentile over the last two minutes, on a canvas.

const SPAN_S = 120;
const SHORTEST_SPAN_S = 30; // a chart that has just begun is not to be a sliver at the edge
const MARGIN = {left: 44, right: 54, top: 8, bottom: 18};

// A round number not below the value: 1, 2 or 5 times a power of ten.
export function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= value * 0.999);
}

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.points = [];
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  add({t_s, rate, failed, p99_ms}) {
    const last = this.points.at(-1);
    const passed = last ? t_s - last.t : 1;
    if (passed <= 0) return;
    this.points.push({t: t_s, rate, total: failed, failed: last ? (failed - last.total) / passed : 0, p99: p99_ms});
    while (this.points[0].t < t_s - SPAN_S - 1) this.points.shift();
    this.draw();
  }

  draw() {
    const {canvas, points} = this;
    const ratio = devicePixelRatio || 1, wide = canvas.clientWidth, high = canvas.clientHeight;
    if (!wide || !points.length) return;
    if (canvas.width !== Math.round(wide * ratio)) canvas.width = Math.round(wide * ratio);
    if (canvas.height !== Math.round(high * ratio)) canvas.height = Math.round(high * ratio);
    const pen = canvas.getContext("2d"), colour = (name) => getComputedStyle(canvas).getPropertyValue(name);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, high);
    const now = points.at(-1).t, span = Math.min(SPAN_S, Math.max(SHORTEST_SPAN_S, now - points[0].t));
    const inner = wide - MARGIN.left - MARGIN.right, tall = high - MARGIN.top - MARGIN.bottom;
    const x = (t) => MARGIN.left + inner * (1 - (now - t) / span);
    const topRate = roundUp(Math.max(10, ...points.map((point) => Math.max(point.rate, point.failed))));
    const topMs = roundUp(Math.max(50, ...points.map((point) => point.p99 || 0)));
    const y = (share) => MARGIN.top + tall * (1 - Math.min(1, share));
    this.axes(pen, {wide, x, y, now, span, topRate, topMs, ink: colour("--soft"), line: colour("--line")});
    const step = Math.max(1.5, (inner / span) * 0.4);
    for (const point of points) {
      if (point.t < now - span) continue;
      pen.fillStyle = colour("--ok-bar");
      pen.fillRect(x(point.t) - step, y(point.rate / topRate), step, y(0) - y(point.rate / topRate));
      if (point.failed <= 0) continue;
      pen.fillStyle = colour("--bad");
      const height = Math.max(5, y(0) - y(point.failed / topRate));
      pen.fillRect(x(point.t) - step - 1, y(0) - height, step + 2, height);
    }
    pen.strokeStyle = colour("--p99");
    pen.lineWidth = 2;
    pen.beginPath();
    let drawing = false;
    for (const point of points) {
      if (point.t < now - span || point.p99 === null) drawing = false;
      else {
        pen[drawing ? "lineTo" : "moveTo"](x(point.t), y(point.p99 / topMs));
        drawing = true;
      }
    }
    pen.stroke();
  }

  axes(pen, {wide, x, y, now, span, topRate, topMs, ink, line}) {
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = ink;
    pen.strokeStyle = line;
    pen.lineWidth = 1;
    for (const share of [0, 0.5, 1]) {
      const at = Math.round(y(share)) + 0.5;
      pen.beginPath();
      pen.moveTo(MARGIN.left, at);
      pen.lineTo(wide - MARGIN.right, at);
      pen.stroke();
      pen.textAlign = "right";
      pen.fillText(`${topRate * share}${share === 1 ? "/s" : ""}`, MARGIN.left - 5, at + 4);
      pen.textAlign = "left";
      pen.fillText(`${topMs * share}${share === 1 ? " ms" : ""}`, wide - MARGIN.right + 5, at + 4);
    }
    pen.textAlign = "center";
    const every = span > 60 ? 30 : 10;
    for (let t = Math.ceil((now - span) / every) * every; t <= now; t += every) {
      if (t >= 0 && x(t) > MARGIN.left) pen.fillText(`${t} s`, x(t), y(0) + 14);
    }
  }
}

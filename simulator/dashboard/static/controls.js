// Buttons and lists, and what becomes of a click. Everything that can be done here can be typed as well.

import {Faults} from "./faults.js";

const find = (id) => document.getElementById(id);

export class Controls {
  constructor(feed) {
    this.feed = feed;
    this.faults = new Faults(this);
    this.users = 0;
    for (const button of document.querySelectorAll("[data-post]")) {
      button.addEventListener("click", () => {
        if (button.dataset.ask && !confirm(button.dataset.ask)) return;
        const body = "to" in button.dataset ? {to: find("to").value} : {};
        this.send(button.dataset.post, body, button.textContent);
      });
    }
    for (const button of document.querySelectorAll("[data-users]")) {
      button.addEventListener("click", () => {
        const users = Math.max(0, this.users + Number(button.dataset.users));
        this.send("load/set", {users}, button.textContent);
      });
    }
    find("play").addEventListener("click", () => this.send("play", {scenario: find("scenario").value}, "Play"));
    find("go-on").addEventListener("click", () => this.goOn());
    find("pause").addEventListener("change", ({target: {value}}) => {
      this.send("pace", {pause: value === "click" ? value : Number(value)}, "Pace");
    });
    addEventListener("keydown", (event) => {
      if (event.key !== " " || find("go-on").hidden || event.target.closest("button, a, select, input")) return;
      event.preventDefault();
      this.goOn();
    });
  }

  about(status) {
    this.options("to", status.versions || [], status.target);
    this.options("scenario", status.scenarios || [], "valiantys");
    this.faults.about(status);
    document.body.classList.toggle("watch-only", !status.commanded);
    document.body.classList.toggle("paced", Boolean(status.paced));
    find("controls-head").textContent = status.commanded ? "Do something" : "The nodes";
    this.brief(status);
  }

  options(id, names, chosen) {
    const select = find(id);
    if (select.options.length === names.length) return;
    select.replaceChildren(...names.map((name) => new Option(name, name, name === chosen, name === chosen)));
  }

  // What may change at any time: what is under way, what to do next, whether the story waits for us.
  brief({under_way, next, users, waiting, pause, target}) {
    if (users !== undefined) this.users = users;
    if (waiting !== this.waiting && (this.waiting = waiting)) this.say("", ""); // what became of an earlier click is over
    if (pause !== this.pause) find("pause").value = String(this.pause = pause);
    if (target && target !== this.target) find("to").value = this.target = target; // as soon as a node has it, all are to
    const steps = waiting ? `The story waits for you before: ${waiting}` : "";
    const told = steps || (under_way ? `Under way: ${under_way}.` : next?.length ? `Sensible now: ${next[0].command} (${next[0].why}).` : "");
    if (find("next").textContent !== told) find("next").textContent = told;
    find("go-on").hidden = !waiting;
    this.mark(under_way ? "" : next?.[0]?.command || "");
  }

  // The button of the sensible next command stands out, be it for the upgrade or for one node.
  mark(command) {
    if (command === this.marked) return;
    this.marked = command;
    const [, group, action, node] = command.split(" ");
    for (const button of document.querySelectorAll("[data-post^=upgrade]")) {
      button.classList.toggle("primary", button.dataset.post === `${group}/${action}`);
    }
    for (const button of document.querySelectorAll("[data-command]")) {
      button.classList.toggle("primary", button.dataset.command === `${group} ${action} ${node}`);
    }
  }

  node(name, action) {
    const ask = action === "kill" ? `Kill ${name}?` : "";
    if (ask && !confirm(ask)) return;
    this.send(`nodes/${name}/${action}`, action === "upgrade" ? {to: find("to").value} : {}, `${action} ${name}`);
  }

  goOn() {
    find("go-on").hidden = true;
    this.send("go-on", {}, "Go on");
  }

  async send(path, body, what) {
    this.say(`${what} …`, "");
    const answer = await this.feed.post(path, body);
    if (answer.error) this.say(`${answer.error}. ${answer.hint || ""}`, "bad");
    else this.say(`${answer.message}.`, "");
  }

  say(text, css) {
    find("answer").className = `answer ${css}`;
    find("answer").textContent = text;
  }

  close() {
    for (const element of document.querySelectorAll("#controls button, #controls select, #controls input")) {
      element.disabled = true;
    }
    find("go-on").hidden = true;
    find("next").textContent = "";
  }
}

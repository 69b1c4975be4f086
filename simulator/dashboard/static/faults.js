// What can be made to go wrong: a form for one fault, and the list of those that are on.

const find = (id) => document.getElementById(id);

// What was typed, as a scenario file would have it: numbers and truths as such, all else as text. Pure.
export function valueOf(text) {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (text === "true" || text === "false") return text === "true";
  return text;
}

// The fault as a scenario writes it; what is left empty is left out. Pure.
export function written(form, {node, duration, values}) {
  const fault = {name: form.name};
  if (form.of_a_node && node) fault.node = node;
  if (duration) fault.for = duration;
  for (const [key, text] of Object.entries(values)) if (text) fault[key] = valueOf(text);
  return fault;
}

export class Faults {
  constructor(controls) {
    this.controls = controls;
    this.forms = new Map();
    this.on = new Map();
    find("fault").addEventListener("change", () => this.show());
    find("fault-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply();
    });
    find("fault-reset").addEventListener("click", () => controls.send("faults/reset", {}, "Take all back"));
  }

  about({faults, nodes}) {
    if (!faults || this.forms.size) return;
    this.forms = new Map(faults.map((form) => [form.name, form]));
    const families = new Map();
    for (const {name} of faults) {
      const family = name.split(".")[0];
      if (!families.has(family)) families.set(family, Object.assign(document.createElement("optgroup"), {label: family}));
      families.get(family).append(new Option(name, name, name === "net.latency", name === "net.latency"));
    }
    find("fault").replaceChildren(...families.values());
    find("fault-node").replaceChildren(new Option("all nodes", ""), ...nodes.map(({id}) => new Option(id, id)));
    this.show();
  }

  // The chosen fault's own attributes; each says what holds if it is left empty.
  show() {
    const form = this.forms.get(find("fault").value);
    if (!form) return;
    find("fault-told").textContent = form.summary;
    find("fault-node").closest("label").hidden = !form.of_a_node;
    const node = find("fault-node");
    node.options[0].hidden = form.node_required;
    if (form.node_required && !node.value) node.selectedIndex = 1;
    find("fault-attributes").replaceChildren(...form.attributes.map(({key, kind, default: usual, required, meaning}) => {
      const label = Object.assign(document.createElement("label"), {textContent: `${key.replaceAll("_", " ")} `, title: `${meaning} (${kind})`});
      const input = Object.assign(document.createElement("input"), {name: key, placeholder: usual, required, size: 9, autocomplete: "off"});
      input.setAttribute("aria-description", `${kind}${usual ? `; ${usual} if left empty` : ""}. ${meaning}`);
      label.append(input);
      return label;
    }));
  }

  apply() {
    const form = this.forms.get(find("fault").value);
    const values = Object.fromEntries([...find("fault-attributes").querySelectorAll("input")].map((input) => [input.name, input.value.trim()]));
    const fault = written(form, {node: find("fault-node").value, duration: find("fault-for").value.trim(), values});
    this.controls.send("faults/apply", {fault}, `Put on ${form.name}`);
  }

  // From the record: a fault is on, has met somebody, is over.
  applied({number, fault, node, attributes}) {
    const item = document.createElement("li");
    const name = `${fault}${node ? ` on ${node}` : ""}`;
    const told = Object.entries(attributes).map(([key, value]) => `${key} ${value}`).join(", ");
    const fired = document.createElement("span");
    fired.textContent = ", has met nobody yet";
    const button = Object.assign(document.createElement("button"), {type: "button", textContent: "Take back"});
    button.setAttribute("aria-label", `Take back ${name}`);
    button.addEventListener("click", () => this.controls.send("faults/reset", {number}, `Take back ${name}`));
    item.append(Object.assign(document.createElement("b"), {textContent: name}), told ? ` (${told})` : "", fired, " ", button);
    this.on.set(number, {item, fired});
    find("faults-on").append(item);
    this.count();
  }

  fired({number}) {
    const one = this.on.get(number);
    if (one) one.fired.textContent = ", takes effect";
  }

  over({number}) {
    const one = this.on.get(number);
    if (!one) return;
    if (one.item.contains(document.activeElement)) find("fault-put").focus(); // else the keyboard would start anew
    one.item.remove();
    this.on.delete(number);
    this.count();
  }

  count() {
    find("faults-none").hidden = this.on.size > 0;
    find("fault-reset").hidden = this.on.size < 2;
  }
}

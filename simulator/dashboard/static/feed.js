// Reads the control port's server-sent events. EventSource cannot send a header, and the token goes in one.

const AGAIN_AFTER_MS = [250, 1000, 2000, 4000];

// Splits a stream of text into events: {kind, id, words}. Pure; keep the rest for the next piece.
export function parseEvents(text) {
  const blocks = text.split("\n\n");
  const rest = blocks.pop();
  const events = blocks.map((block) => {
    const event = {kind: "message", id: null, words: null};
    for (const line of block.split("\n")) {
      const at = line.indexOf(": ");
      const [name, value] = [line.slice(0, at), line.slice(at + 2)];
      if (name === "event") event.kind = value;
      else if (name === "id") event.id = value;
      else if (name === "data") event.words = JSON.parse(value);
    }
    return event;
  });
  return {events, rest};
}

export class Feed {
  constructor(token, {onEvent, onState}) {
    this.token = token;
    this.onEvent = onEvent;
    this.onState = onState; // "open", "lost", "refused" or "ended"
    this.last = "0";
    this.failures = 0;
    this.ended = false;
  }

  async run() {
    while (!this.ended) {
      const answer = await this.open();
      if (answer && (answer.status === 401 || answer.status === 403)) return this.onState("refused");
      if (answer && answer.ok) {
        this.failures = 0;
        this.onState("open");
        await this.read(answer.body.getReader());
      }
      if (this.ended) return this.onState("ended");
      this.onState("lost");
      await new Promise((done) => setTimeout(done, AGAIN_AFTER_MS[Math.min(this.failures++, AGAIN_AFTER_MS.length - 1)]));
    }
  }

  async open() {
    try {
      return await fetch("/api/events", {headers: {Authorization: `Bearer ${this.token}`, "Last-Event-ID": this.last}});
    } catch {
      return null;
    }
  }

  async read(reader) {
    const decoder = new TextDecoder();
    let text = "";
    try {
      for (;;) {
        const {done, value} = await reader.read();
        if (done) return;
        const {events, rest} = parseEvents(text + decoder.decode(value, {stream: true}));
        text = rest;
        for (const event of events) {
          if (event.id) this.last = event.id;
          if (event.kind === "verdict") this.ended = true;
          this.onEvent(event.kind, event.words);
        }
      }
    } catch {
      // the connection broke; run() tries again
    }
  }

  // A command. The answer's words, or {error, hint}.
  async post(path, body = {}) {
    try {
      const answer = await fetch(`/api/${path}`, {
        method: "POST",
        headers: {Authorization: `Bearer ${this.token}`, "Content-Type": "application/json"},
        body: JSON.stringify(body),
      });
      return await answer.json();
    } catch {
      return {error: "the cluster does not answer", hint: ""};
    }
  }
}

// The debugger's page: consoles in frames, and a button that copies the traceback. Text is only ever set as text.
"use strict";

const PREFIX = "/__debugger__/";
const LOCKED = "To use the consoles, open the link that the server printed in its terminal, in this browser.";

const errorId = document.body.dataset.error;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// -- whether this browser may use the consoles -----------------------------------------------------------------------

const access = document.getElementById("access");

async function showAccess() {
  let may = false;
  try {
    const response = await fetch(PREFIX + "access", { credentials: "same-origin" });
    may = (await response.json()).console;
  } catch {
    access.textContent = "The server does not answer.";
    return;
  }
  access.textContent = may ? "" : LOCKED;
  document.body.classList.toggle("may-run", may);
}

// -- a console -------------------------------------------------------------------------------------------------------

class FrameConsole {
  constructor(frame, number) {
    this.number = number;
    this.history = [];
    this.position = 0;
    this.isRunning = false;
    this.isWaiting = false;
    this.log = element("div", "log");
    this.log.setAttribute("role", "log");
    this.log.tabIndex = 0;
    this.log.setAttribute("aria-label", "Output");
    this.input = element("textarea", "command");
    this.input.rows = 1;
    this.input.spellcheck = false;
    this.input.autocapitalize = "off";
    this.input.setAttribute("autocomplete", "off");
    this.input.setAttribute("aria-label", "Command. Enter runs it, Shift and Enter begins a new line");
    this.input.placeholder = "expression, statement or await …";
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("input", () => this.fit());
    this.box = element("div", "console");
    const line = element("div", "prompt");
    line.append(element("span", "sign", ">>>"), this.input);
    this.box.append(this.log, line);
    frame.append(this.box);
  }

  fit() {
    this.input.rows = Math.min(20, this.input.value.split("\n").length);
  }

  set(text) {
    this.input.value = text;
    this.fit();
  }

  onKey(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.run(event.ctrlKey || event.metaKey);
    } else if (event.key === "ArrowUp" && !this.input.value.slice(0, this.input.selectionStart).includes("\n")) {
      this.recall(-1, event);
    } else if (event.key === "ArrowDown" && !this.input.value.slice(this.input.selectionEnd).includes("\n")) {
      this.recall(1, event);
    }
  }

  recall(step, event) {
    const position = this.position + step;
    if (position < 0 || position > this.history.length) return;
    event.preventDefault();
    this.position = position;
    this.set(this.history[position] ?? "");
  }

  // What is typed while a command runs stays, and runs after it if Enter is pressed.
  async run(isFinal) {
    const source = this.input.value;
    if (!source.trim()) return;
    const last = source.slice(source.lastIndexOf("\n") + 1);
    const isInBlock = last.trim() && (/:[ \t]*$/.test(last) || (last !== source && /^[ \t]/.test(last)));
    if (isInBlock && !isFinal) {
      this.goOn(source, "");
      return;
    }
    if (this.isRunning) {
      this.isWaiting = true;
      return;
    }
    this.isRunning = true;
    this.box.setAttribute("aria-busy", "true");
    this.set("");
    try {
      const result = await this.send(source, isFinal);
      if (result.status === "incomplete") this.goOn(source, this.input.value);
      else this.show(source, result);
    } catch (problem) {
      this.show(source, { status: "failed", output: "", value: problem.message });
    } finally {
      this.isRunning = false;
      this.box.removeAttribute("aria-busy");
    }
    if (this.isWaiting) {
      this.isWaiting = false;
      this.run(false);
    }
  }

  goOn(source, typedMeanwhile) {
    const indent = /^[ \t]*/.exec(source.slice(source.lastIndexOf("\n") + 1))[0];
    const deeper = /:[ \t]*$/.test(source) ? "    " : "";
    this.set(source + "\n" + indent + deeper + typedMeanwhile);
  }

  async send(source, isFinal) {
    let response;
    try {
      response = await fetch(`${PREFIX}errors/${encodeURIComponent(errorId)}/console`, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ frame: this.number, source, is_final: isFinal }),
      });
    } catch {
      throw new Error("The server does not answer.");
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error || `The server answered ${response.status}.`);
    return answer;
  }

  show(source, result) {
    const lines = source.trimEnd().split("\n");
    const echo = lines.map((line, index) => (index ? "... " : ">>> ") + line).join("\n");
    this.log.append(element("pre", "echo", echo));
    if (result.output) this.log.append(element("pre", "output", result.output));
    if (result.value) this.log.append(element("pre", result.status === "failed" ? "failure" : "value", result.value));
    this.log.scrollTop = this.log.scrollHeight;
    this.history.push(source.trimEnd());
    this.position = this.history.length;
  }
}

function offerConsole(frame) {
  const button = element("button", "open-console", "Console");
  button.type = "button";
  button.setAttribute("aria-label", `Console in ${frame.querySelector(".name").textContent}`);
  button.addEventListener("click", () => {
    button.remove();
    new FrameConsole(frame, Number(frame.dataset.frame)).input.focus();
  });
  frame.append(button);
}

if (errorId) {
  document.querySelectorAll("details.frame[data-frame]:not([data-frame=''])").forEach(offerConsole);
  showAccess();
  // The link may be opened in another tab meanwhile.
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && showAccess());
}

// -- the traceback as text -------------------------------------------------------------------------------------------

const copy = document.getElementById("copy");
const text = document.getElementById("text");

if (copy && text) {
  const label = copy.textContent;
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      copy.textContent = "Copied";
      setTimeout(() => (copy.textContent = label), 2000);
    } catch {
      // Not a secure context, or not allowed: select the text, so that the keyboard can copy it.
      text.closest("details").open = true;
      getSelection().selectAllChildren(text);
      text.focus();
    }
  });
}

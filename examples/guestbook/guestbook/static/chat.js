// The chat: one WebSocket, opened again when it breaks.

const said = document.getElementById("said");
const state = document.getElementById("state");
const present = document.getElementById("present");
const form = document.getElementById("speak");
const button = form.querySelector("button");
let socket;
let pause = 500;

function show({ name, text }) {
  const line = document.createElement("li");
  line.className = name === said.dataset.name ? "own" : "";
  const who = document.createElement("b");
  who.textContent = name;
  const what = document.createElement("span");
  what.textContent = text;
  line.append(who, what);
  said.append(line);
  said.scrollTop = said.scrollHeight;
}

function tell(text, isOpen) {
  state.textContent = text;
  state.classList.toggle("lost", !isOpen);
  button.disabled = !isOpen;
}

function connect() {
  const url = new URL(said.dataset.socket, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  socket = new WebSocket(url);
  socket.addEventListener("open", () => {
    pause = 500;
    said.replaceChildren(); // The server begins with what was said last.
    tell("Connected", true);
  });
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "said") show(message);
    if (message.type === "present") present.textContent = message.names.join(", ");
  });
  socket.addEventListener("close", () => {
    tell("Connecting …", false);
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 30_000);
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = form.elements.text.value.trim();
  if (text) socket.send(text);
  form.reset();
});

connect();

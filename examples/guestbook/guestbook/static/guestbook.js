// Follows the book: entries that others add appear as they are added.

import { localise } from "./when.js";

const feed = document.getElementById("feed");
const live = document.getElementById("live");
const template = document.getElementById("card");

function show(entry) {
  if (document.getElementById(`entry-${entry.id}`)) return;
  const card = template.content.firstElementChild.cloneNode(true);
  card.id = `entry-${entry.id}`;
  card.dataset.hue = entry.id % 6;
  card.classList.add("new");
  // By textContent, nothing that a visitor writes can become markup.
  card.querySelector(".initial").textContent = [...entry.name][0];
  card.querySelector("b").textContent = entry.name;
  card.querySelector(".message").textContent = entry.message;
  const time = card.querySelector("time");
  time.dateTime = entry.signed_at;
  localise(time);
  feed.prepend(card);
}

function follow() {
  const events = new EventSource(feed.dataset.events);
  events.addEventListener("entry", (event) => show(JSON.parse(event.data)));
  events.addEventListener("readers", (event) => {
    const others = Number(event.data) - 1;
    live.textContent = others > 0 ? `Live · ${others} more ${others === 1 ? "page" : "pages"} open` : "Live";
  });
  events.addEventListener("open", () => {
    live.hidden = false;
    live.classList.remove("lost");
  });
  events.addEventListener("error", () => {
    live.textContent = "Connecting …";
    live.classList.add("lost");
  });
  // A browser may keep a page that was left, for the way back: not its connection as well.
  addEventListener("pagehide", () => events.close(), { once: true });
}

document.querySelectorAll("time").forEach(localise);
if (feed) addEventListener("pageshow", follow);

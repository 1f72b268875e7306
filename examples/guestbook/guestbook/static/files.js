// Sends a file with a progress bar; fetches a part of another.

const byId = (id) => document.getElementById(id);
const form = byId("upload");
const progress = byId("progress");
const state = byId("state");
const cancel = byId("cancel");
const units = ["bytes", "KiB", "MiB", "GiB"];

function readable(bytes) {
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit += 1) bytes /= 1024;
  return `${bytes.toLocaleString(undefined, { maximumFractionDigits: unit && 1 })} ${units[unit]}`;
}

function showResult(result) {
  byId("result-name").textContent = result.name;
  byId("result-size").textContent = `${result.size.toLocaleString()} bytes`;
  byId("result-sha256").textContent = result.sha256;
  byId("result").hidden = false;
}

function explain(request) {
  try {
    return JSON.parse(request.responseText).detail;
  } catch {
    return `The server answered ${request.status || "nothing"}.`;
  }
}

function send(file) {
  // XMLHttpRequest, because fetch() does not tell how much it has sent.
  const request = new XMLHttpRequest();
  const start = performance.now();
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const seconds = (performance.now() - start) / 1000;
    progress.value = total ? (100 * loaded) / total : 100;
    state.textContent = `${Math.floor(progress.value)} % · ${readable(loaded)} of ${readable(total)} · ${readable(loaded / seconds)}/s`;
  });
  request.addEventListener("load", () => {
    if (request.status === 200) {
      progress.value = 100;
      state.textContent = `Sent in ${((performance.now() - start) / 1000).toFixed(1)} s.`;
      showResult(JSON.parse(request.responseText));
    } else {
      state.textContent = explain(request);
    }
  });
  request.addEventListener("error", () => (state.textContent = "The connection broke."));
  request.addEventListener("abort", () => (state.textContent = "Stopped."));
  request.addEventListener("loadend", () => (cancel.hidden = true));
  cancel.onclick = () => request.abort();
  request.open("POST", `${form.dataset.url}?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("Accept", "application/json");
  request.send(file);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const file = byId("file").files[0];
  byId("sending").hidden = false;
  byId("result").hidden = true;
  progress.value = 0;
  if (file.size > Number(form.dataset.largest)) {
    state.textContent = `This file has ${readable(file.size)}, more than ${readable(Number(form.dataset.largest))}.`;
    return;
  }
  cancel.hidden = false;
  send(file);
});

byId("range").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { url, lineLength } = event.target.dataset;
  const end = byId("line").value * lineLength;
  const range = `bytes=${end - lineLength}-${end - 1}`;
  const part = byId("part");
  part.hidden = false;
  part.textContent = "…";
  const response = await fetch(url, { headers: { Range: range }, cache: "no-store" });
  const text = response.status === 206 ? await response.text() : "";
  part.textContent = `Range: ${range}\n\n${response.status} ${response.statusText}\nContent-Range: ${response.headers.get("Content-Range")}\n\n${text}`;
});

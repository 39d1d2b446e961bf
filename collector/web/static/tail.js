// The live tail of the log: live.js brings the new rows; here they are marked, and the way to pause is put at the head.

const list = document.getElementById("live-events");
const place = document.getElementById("tail");
const state = document.getElementById("live-state");
const ids = (root) => new Set([...root.querySelectorAll("tr[id]")].map((row) => row.id));

if (list && place && state) {
  let known = ids(list);
  const pause = state.nextElementSibling;
  place.append(state, " ", pause);
  pause.className = "quiet";
  document.getElementById("reload").hidden = true;

  document.addEventListener("swapped", (event) => {
    if (event.target.id !== list.id) return;
    const now = ids(event.target);
    for (const id of now) if (!known.has(id)) document.getElementById(id).classList.add("new");
    known = now;
  });
}

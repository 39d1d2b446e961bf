// What changes while the page is open: states of nodes, never where they lie. A graph that is not the same any more
// waits until somebody asks for it.
import { clockOf, dayOf } from "./times.js";

// The server writes times in UTC into the boxes, of another day with the day; `data-times` has the instants, in their
// order.
export function clocks(root) {
  for (const text of root.querySelectorAll("text[data-times]")) {
    const times = text.dataset.times.split(" ").map((each) => new Date(each));
    let number = 0;
    text.textContent = text.textContent.replace(/(\d{4}-\d\d-\d\d )?\b\d\d:\d\d\b/g, (written, day) => {
      const at = times[number++];
      if (!at || Number.isNaN(at.getTime())) return written;
      return day ? `${dayOf(at)} ${clockOf(at)}` : clockOf(at);
    });
    text.removeAttribute("data-times");
  }
}

export function watch() {
  let changed = false;
  document.addEventListener("swap", (event) => {
    const old = event.target;
    if (!old.matches(".node")) return;
    const moved = old.getAttribute("transform") !== event.detail.getAttribute("transform");
    const wider = old.querySelector(".box")?.getAttribute("width") !== event.detail.querySelector(".box")?.getAttribute("width");
    if (changed || moved || wider) event.preventDefault();
  });
  document.addEventListener("swapped", (event) => {
    if (event.target.matches("#graph-changed")) {
      changed = true;
      event.target.classList.add("on");
    } else if (event.target.matches(".node")) {
      clocks(event.target);
    }
  });
}

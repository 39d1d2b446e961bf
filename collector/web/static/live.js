// Parts of a page that stay up to date: the page is asked for again, and those elements with `data-v` whose value
// has changed take the place of the old ones. Never one that is pointed at, focused, or selected in, and nothing
// while the page is hidden or paused. `<main data-live="15">` says how many seconds lie between.
import { refresh } from "./times.js";

const main = document.querySelector("main[data-live]");
const state = document.getElementById("live-state");
let etag = null;
let paused = false;
let since = Date.now();

const busy = (element) =>
  element.contains(document.activeElement) ||
  element.matches(":hover:has(form:hover, details:hover)") ||
  (!getSelection().isCollapsed && element.contains(getSelection().anchorNode));

function swap(fresh) {
  for (const element of fresh.querySelectorAll("[data-v][id]")) {
    const old = document.getElementById(element.id);
    if (!old || old.dataset.v === element.dataset.v || busy(old)) continue;
    // Whoever knows that it must not be replaced now says so.
    const swap = new CustomEvent("swap", { bubbles: true, cancelable: true, detail: element });
    if (!old.dispatchEvent(swap)) continue;
    const open = [...old.querySelectorAll("details[open][id]")].map((each) => each.id);
    const scrolled = [...old.querySelectorAll(".wide")].map((each) => each.scrollLeft);
    old.replaceWith(element);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    element.querySelectorAll(".wide").forEach((each, number) => { each.scrollLeft = scrolled[number] ?? 0; });
    refresh(element);
    element.dispatchEvent(new CustomEvent("swapped", { bubbles: true }));
  }
}

function say(text) {
  state.hidden = false;
  state.textContent = text;
}

async function look() {
  if (document.hidden || paused) return;
  try {
    const answer = await fetch(location.pathname + location.search, {
      headers: etag ? { "If-None-Match": etag, Accept: "text/html" } : { Accept: "text/html" },
      cache: "no-store",
      redirect: "error",
    });
    if (answer.status !== 304) {
      if (!answer.ok) throw new Error(String(answer.status));
      etag = answer.headers.get("ETag");
      swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
    since = Date.now();
    say("Live");
    document.dispatchEvent(new CustomEvent("looked"));
  } catch {
    const at = new Date(since);
    say(`Offline since ${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`);
  }
}

if (main) {
  say("Live");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = "Pause";
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Go on" : "Pause";
    say(paused ? "Paused" : "Live");
  });
  state.after(" ", button);
  setInterval(look, Number(main.dataset.live) * 1000);
}

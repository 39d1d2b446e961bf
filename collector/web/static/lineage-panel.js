// The panel beside the drawing: loaded without the rest of the page, which stays where it is. The address follows.
import { refresh } from "./times.js";

export function panel(view) {
  const stage = document.querySelector(".stage");
  let from = null;
  const current = () => document.getElementById("panel");

  // Marks the node that the panel tells of, and brings it into sight; on a phone the panel covers a part of the screen.
  function mark(fresh) {
    for (const node of document.querySelectorAll(".node.shown")) node.classList.remove("shown");
    const node = document.getElementById(fresh.dataset.node ?? "");
    if (!node) return;
    node.classList.add("shown");
    view.reveal(node);
    const hidden = node.getBoundingClientRect().bottom + 16 - fresh.getBoundingClientRect().top;
    if (getComputedStyle(fresh).position === "fixed" && hidden > 0) scrollBy(0, hidden);
  }

  function put(fresh) {
    current().replaceWith(fresh);
    stage?.classList.toggle("open", !fresh.hidden);
    refresh(fresh);
    mark(fresh);
    for (const button of fresh.querySelectorAll("button.copy")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        navigator.clipboard.writeText(button.dataset.copy ?? button.parentElement.querySelector("code").textContent);
        button.textContent = "Copied";
      });
    }
  }

  async function load(url) {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("panel");
    if (!fresh) throw new Error("no panel");
    put(fresh);
  }

  async function show(url, opener) {
    const to = new URL(url, location.href);
    to.hash = location.hash;
    try {
      await load(to);
    } catch {
      location.assign(to);
      return;
    }
    from = opener ?? from;
    history.pushState({}, "", to);
    document.getElementById("panel-title")?.focus({ preventScroll: true });
  }

  function shut() {
    if (!current() || current().hidden) return false;
    const to = new URL(location.href);
    to.searchParams.delete("panel");
    const empty = document.createElement("aside");
    empty.id = "panel";
    empty.className = "panel";
    empty.hidden = true;
    put(empty);
    history.pushState({}, "", to);
    from?.focus({ preventScroll: true });
    return true;
  }

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a");
    if (!link) return;
    if (link.matches("[data-shut]")) {
      event.preventDefault();
      shut();
    } else if (link.matches("a[data-panel], .k-dataset > a.n, .k-job > a.n, .k-run > a.n, .k-column > a.n")) {
      event.preventDefault();
      show(link.href?.baseVal ?? link.href, link);
    }
  });
  addEventListener("popstate", () => {
    load(location.href).catch(() => location.reload());
  });
  return { show, shut };
}

// What every page has: times in the viewer's zone, copy buttons, keys, and parts that stay up to date.
import "./times.js";
import "./live.js";

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.dataset.copy ?? button.parentElement.querySelector("code").textContent;
    await navigator.clipboard.writeText(text);
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  });
}

// A table that is wider than the screen must be reached by keys to be scrolled.
function reachable() {
  for (const wide of document.querySelectorAll(".wide")) {
    const scrolls = wide.scrollWidth > wide.clientWidth && !wide.querySelector("a, button, input, select, summary");
    if (scrolls) wide.tabIndex = 0;
    else wide.removeAttribute("tabindex");
  }
}
reachable();
addEventListener("resize", reachable);
document.addEventListener("swapped", reachable);

// On a phone a row of links is wider than the screen: that of this page must be in sight.
for (const current of document.querySelectorAll(".sections [aria-current], .tabs [aria-current]")) {
  const row = current.parentElement;
  row.scrollLeft = current.offsetLeft - row.offsetLeft - 60;
}

// What is around now is in sight before what is past.
for (const wide of document.querySelectorAll(".wide:has(> .lanes)")) wide.scrollLeft = (wide.scrollWidth - wide.clientWidth) / 2;

const help = document.getElementById("help");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (event.key === "/") {
    const find = document.getElementById("find");
    if (find) {
      event.preventDefault();
      find.focus();
      find.select();
    }
  } else if (event.key === "?" && !help.open) {
    help.showModal();
  }
});

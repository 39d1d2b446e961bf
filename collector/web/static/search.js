// Up and down through the results of a search, from the box on and back to it.

const box = document.getElementById("q");
const results = document.getElementById("results");

document.addEventListener("keydown", (event) => {
  if (!results || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const stops = [box, ...results.querySelectorAll("li > a:first-of-type")];
  const here = stops.indexOf(document.activeElement);
  if (here < 0 && event.target.closest("input, textarea, select")) return;
  const next = stops[Math.max(0, here + (event.key === "ArrowDown" ? 1 : -1))];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
});

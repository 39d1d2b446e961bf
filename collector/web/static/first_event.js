// While no event has come: how long ago the page last looked for one.
const place = document.getElementById("last-look");

if (place) {
  let looked = Date.now();
  document.addEventListener("looked", () => { looked = Date.now(); });
  setInterval(() => {
    place.textContent = `last look ${Math.round((Date.now() - looked) / 1000)} s ago`;
  }, 1000);
  document.addEventListener("swapped", (event) => {
    if (event.target.id === "live-first" && event.target.textContent.trim()) document.getElementById("waits")?.remove();
  });
}

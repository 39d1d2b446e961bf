// Times of a silence are those of the viewer: the form says which zone that is, and shows the kept times in it.
const zone = document.getElementById("silence-zone");
const pad = (number) => String(number).padStart(2, "0");

if (zone) {
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  for (const name of document.querySelectorAll(".silence-zone")) name.textContent = zone.value;
  if (zone.dataset.kept === "UTC") {
    for (const input of document.querySelectorAll("input[type=datetime-local]")) {
      if (!input.value) continue;
      const at = new Date(`${input.value}Z`);
      input.value = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
    }
  }
  document.getElementById("ends_at").addEventListener("input", () => {
    document.getElementById("until-at").checked = true;
  });
}

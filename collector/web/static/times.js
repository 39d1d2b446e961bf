// Times: the server writes UTC; here they become the viewer's own, and "ago" stays true while the page is open.

const STEPS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
const pad = (number) => String(number).padStart(2, "0");
export const dayOf = (at) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
export const clockOf = (at) => `${pad(at.getHours())}:${pad(at.getMinutes())}`;

function relative(at, now) {
  const seconds = Math.floor(Math.abs(now - at) / 1000);
  const [unit, size] = STEPS.find(([, each]) => seconds >= each) ?? ["s", 1];
  const words = `${Math.floor(seconds / size)} ${unit}`;
  return at > now ? `in ${words}` : `${words} ago`;
}

function written(element, now) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime())) return element.textContent;
  const day = dayOf(at) === dayOf(now) ? "" : `${dayOf(at)} `;
  switch (element.dataset.how) {
    case "ago": return relative(at, now);
    case "clock": return clockOf(at);
    case "at": return `${day}${clockOf(at)}`;
    // How long ago is of use for a day; after that the date says more.
    default: return `${day}${clockOf(at)}${Math.abs(now - at) < 864e5 ? ` · ${relative(at, now)}` : ""}`;
  }
}

export function refresh(root = document) {
  const now = new Date();
  for (const element of root.querySelectorAll("time[data-how]")) {
    const text = written(element, now);
    if (element.textContent !== text) element.textContent = text;
  }
}

const zone = document.getElementById("zone");
if (zone) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || "your time zone";
refresh();
setInterval(refresh, 10_000);

// A slider over the moments at which the graph changed, and the drawing as PNG.
import { clockOf, dayOf } from "./times.js";

export function slider(view) {
  const steps = document.getElementById("steps");
  if (!steps) return;
  const moments = steps.dataset.moments.split(" ");
  if (moments.length < 2) return;
  const last = moments.length - 1; // since the last change nothing is different: that is now
  const input = document.getElementById("slider");
  const output = steps.querySelector("output");
  const name = (place) => {
    const at = new Date(moments[place]);
    return place >= last ? "now" : `${dayOf(at)} ${clockOf(at)}`;
  };
  input.max = String(last);
  input.value = String(new URLSearchParams(location.search).get("as_of") ? Number(steps.dataset.place) - 1 : last);
  steps.querySelector(".track").hidden = false;
  const tell = () => {
    output.textContent = name(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", tell);
  input.addEventListener("change", () => {
    const place = Number(input.value);
    const at = moments[place];
    location.assign((place < last ? steps.dataset.href.replace("MOMENT", encodeURIComponent(at)) : steps.dataset.now) + (view?.focus ? view.stay(view.focus) : ""));
  });
  tell();
}

export function png() {
  const item = document.getElementById("png");
  if (!item) return;
  item.hidden = false;
  const button = item.querySelector("button");
  button.addEventListener("click", async () => {
    button.disabled = true;
    const image = new Image();
    const drawn = new Promise((done, failed) => { image.onload = done; image.onerror = failed; });
    const text = await (await fetch(button.dataset.from)).text();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await drawn;
    // Browsers draw no more than some sixteen thousand px a side.
    const scale = Math.min(2, 16000 / image.width, 16000 / image.height);
    const sheet = document.createElement("canvas");
    sheet.width = Math.round(image.width * scale);
    sheet.height = Math.round(image.height * scale);
    const pen = sheet.getContext("2d");
    pen.fillStyle = "#f7f8fa";
    pen.fillRect(0, 0, sheet.width, sheet.height);
    pen.drawImage(image, 0, 0, sheet.width, sheet.height);
    sheet.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = "lineage.png";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      button.disabled = false;
    }, "image/png");
  });
}

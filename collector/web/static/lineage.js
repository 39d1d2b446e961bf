// The lineage explorer: what works without all this, made handier.
import { zoom } from "./lineage-zoom.js";
import { walk } from "./lineage-walk.js";
import { panel } from "./lineage-panel.js";
import { clocks, watch } from "./lineage-live.js";
import { png, slider } from "./lineage-tools.js";

const canvas = document.getElementById("canvas");
const view = canvas && zoom(canvas);
const side = panel(view);
if (canvas) {
  walk(canvas, view, side);
  clocks(canvas);
}
watch();
slider(view);
png();

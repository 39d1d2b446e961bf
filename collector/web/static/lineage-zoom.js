// Larger, smaller, and elsewhere: the drawing keeps its coordinates, only its size on the page changes, and the canvas
// scrolls as any other part of a page does. `#v=x,y,k` remembers the place: x, y of what is in the middle, and the scale;
// `#n1a2b@left,top,k,y` where in the window a node lay when another drawing was asked for, and how far the page was scrolled.
const LEAST = 0.1;
const MOST = 3;
const READABLE = 0.9; // names are no smaller than 11 px: rather than less, the focus is shown and the rest scrolls

export function zoom(canvas) {
  const svg = canvas.querySelector("svg.graph");
  const box = svg.viewBox.baseVal;
  const focus = document.getElementById(canvas.dataset.focus);
  let scale = 1;
  let held = null;
  let rest = 0;
  let awake = false; // somebody has clicked into the drawing: the wheel is for it

  const middle = () => ({
    x: (canvas.scrollLeft + canvas.clientWidth / 2) / scale,
    y: (canvas.scrollTop + canvas.clientHeight / 2) / scale,
  });

  function show(x, y, k = scale) {
    scale = Math.min(MOST, Math.max(LEAST, k));
    svg.setAttribute("width", Math.round(box.width * scale));
    svg.setAttribute("height", Math.round(box.height * scale));
    canvas.scrollLeft = x * scale - canvas.clientWidth / 2;
    canvas.scrollTop = y * scale - canvas.clientHeight / 2;
    const larger = canvas.scrollWidth > canvas.clientWidth + 1 || canvas.scrollHeight > canvas.clientHeight + 1;
    canvas.classList.toggle("grab", larger);
  }

  function about(factor, clientX, clientY) {
    const frame = canvas.getBoundingClientRect();
    const [dx, dy] = [clientX - frame.left - canvas.clientWidth / 2, clientY - frame.top - canvas.clientHeight / 2];
    const at = middle();
    const [x, y] = [at.x + dx / scale, at.y + dy / scale];
    const k = Math.min(MOST, Math.max(LEAST, scale * factor));
    show(x - dx / k, y - dy / k, k);
  }

  function bounds(node) {
    const found = node.getBoundingClientRect();
    const frame = svg.getBoundingClientRect();
    return {
      x: (found.left + found.width / 2 - frame.left) / scale,
      y: (found.top + found.height / 2 - frame.top) / scale,
    };
  }

  const to = (node, k = scale) => {
    const at = bounds(node);
    show(at.x, at.y, k);
  };
  const home = () => (focus ? to(focus, 1) : show(box.width / 2, box.height / 2, fitting()));
  const { maxHeight, paddingBottom } = getComputedStyle(canvas);
  const highest = parseFloat(maxHeight) - parseFloat(paddingBottom);
  const fitting = () => Math.min(1, canvas.clientWidth / box.width, highest / box.height);
  const fit = () => show(box.width / 2, box.height / 2, fitting());
  const step = (factor) => { const at = middle(); show(at.x, at.y, scale * factor); };

  function remember() {
    clearTimeout(rest);
    rest = setTimeout(() => {
      const at = middle();
      const hash = `#v=${Math.round(at.x)},${Math.round(at.y)},${Math.round(scale * 100) / 100}`;
      history.replaceState(history.state, "", location.pathname + location.search + hash);
    }, 300);
  }

  // Scrolls to a node that is not in sight.
  function reveal(node) {
    const [frame, at] = [canvas.getBoundingClientRect(), node.getBoundingClientRect()];
    if (at.left < frame.left || at.right > frame.right || at.top < frame.top || at.bottom > frame.bottom) to(node);
  }

  // The hash with which the drawing that is asked for next has a node where this one has it.
  function stay(node) {
    const { left, top } = node.getBoundingClientRect();
    return `#${node.id}@${[left, top, scale * 100, scrollY].map(Math.round).join()}`;
  }

  function putBack(node, [left, top, percent, y]) {
    to(node, percent / 100);
    scrollTo(0, y);
    const at = node.getBoundingClientRect();
    canvas.scrollLeft += at.left - left;
    canvas.scrollTop += at.top - top;
    scrollBy(0, node.getBoundingClientRect().top - top);
  }

  function begin() {
    const kept = /^#([ng][0-9a-f]+)@([-\d,]+)$/.exec(location.hash);
    const anchor = kept && document.getElementById(kept[1]);
    const named = /^#[ng][0-9a-f]+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    const found = /^#v=(-?\d+),(-?\d+),([\d.]+)$/.exec(location.hash);
    if (anchor) {
      putBack(anchor, kept[2].split(",").map(Number));
    } else if (named) {
      to(named, 1);
    } else if (found) {
      show(Number(found[1]), Number(found[2]), Number(found[3]));
    } else if (fitting() >= READABLE || !focus) {
      fit();
    } else {
      home();
    }
  }

  canvas.addEventListener("scroll", remember, { passive: true });
  canvas.addEventListener("wheel", (event) => {
    if (!(event.ctrlKey || event.metaKey || awake)) return;
    event.preventDefault();
    about(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), event.clientX, event.clientY);
    remember();
  }, { passive: false });
  canvas.addEventListener("pointerleave", () => { awake = false; });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0 || event.target.closest("a")) return;
    awake = true;
    held = { x: event.clientX, y: event.clientY, left: canvas.scrollLeft, top: canvas.scrollTop };
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("grabbed");
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    canvas.scrollLeft = held.left + held.x - event.clientX;
    canvas.scrollTop = held.top + held.y - event.clientY;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => { held = null; canvas.classList.remove("grabbed"); });
  }

  // Two fingers.
  let fingers = null;
  canvas.addEventListener("touchmove", (event) => {
    if (event.touches.length !== 2) return;
    event.preventDefault();
    const [one, other] = event.touches;
    const [x, y] = [(one.clientX + other.clientX) / 2, (one.clientY + other.clientY) / 2];
    const apart = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    if (fingers) {
      canvas.scrollLeft -= x - fingers.x;
      canvas.scrollTop -= y - fingers.y;
      about(apart / fingers.apart, x, y);
    }
    fingers = { x, y, apart };
  }, { passive: false });
  for (const end of ["touchend", "touchcancel"]) canvas.addEventListener(end, () => { fingers = null; });

  const acts = { in: () => step(1.25), out: () => step(0.8), fit, focus: home };
  const buttons = document.getElementById("zoom");
  buttons.hidden = false;
  buttons.addEventListener("click", (event) => {
    acts[event.target.closest("[data-do]")?.dataset.do]?.();
    remember();
  });
  begin();
  return { ...acts, reveal, stay, remember, focus, toPoint: (event) => {
    const frame = svg.getBoundingClientRect();
    return { x: (event.clientX - frame.left) / scale, y: (event.clientY - frame.top) / scale };
  } };
}

// Going from node to node by keys, and lighting up what a node is made from and what is made from it.

export function walk(canvas, view, panel) {
  const graph = canvas.querySelector("svg.graph");
  const lines = [...graph.querySelectorAll("path.e[data-a]")];
  const out = new Map();
  const into = new Map();
  for (const line of lines) {
    const { a, b } = line.dataset;
    (out.get(a) ?? out.set(a, []).get(a)).push([b, line]);
    (into.get(b) ?? into.set(b, []).get(b)).push([a, line]);
  }

  function reach(start, map, nodes, paths) {
    const seen = new Set([start]);
    for (const at of seen) {
      nodes.add(at);
      for (const [far, line] of map.get(at) ?? []) {
        paths.add(line);
        seen.add(far);
      }
    }
  }

  function light(id) {
    const nodes = new Set();
    const paths = new Set();
    if (id) {
      reach(id, out, nodes, paths);
      reach(id, into, nodes, paths);
    }
    graph.classList.toggle("lighting", Boolean(id));
    for (const line of lines) line.classList.toggle("lit", paths.has(line));
    for (const node of graph.querySelectorAll(".node")) node.classList.toggle("on", nodes.has(node.id));
  }

  const nodeOf = (target) => (target instanceof Element ? target.closest(".node") : null);
  graph.addEventListener("pointerover", (event) => {
    if (event.pointerType === "mouse") light(nodeOf(event.target)?.id);
  });
  graph.addEventListener("pointerleave", () => light(null));
  graph.addEventListener("focusin", (event) => light(nodeOf(event.target)?.id));
  graph.addEventListener("focusout", () => light(null));

  // Columns: one lights up what leads to and from it.
  const columns = [...graph.querySelectorAll("path.ce")];
  graph.addEventListener("pointerover", (event) => {
    const row = event.target.closest?.(".row");
    const node = nodeOf(event.target);
    const name = row && `${node.id}.${[...node.querySelectorAll(".row")].indexOf(row)}`;
    for (const line of columns) line.classList.toggle("lit", line.dataset.a === name || line.dataset.b === name);
  });

  const place = (node) => node.getBoundingClientRect();
  const nearest = (from, nodes) => {
    const y = place(from).top;
    return nodes.filter(Boolean).sort((one, other) => Math.abs(place(one).top - y) - Math.abs(place(other).top - y))[0];
  };
  const ends = (map, node) => (map.get(node.id) ?? []).map(([far]) => document.getElementById(far)).filter((far) => far !== node);
  function beside(node, down) {
    const { left, top } = place(node);
    return [...graph.querySelectorAll(".node")]
      .filter((each) => Math.abs(place(each).left - left) < 4 && (down ? place(each).top > top : place(each).top < top))
      .sort((one, other) => Math.abs(place(one).top - top) - Math.abs(place(other).top - top))[0];
  }
  const go = (node) => {
    if (!node) return;
    node.querySelector("a.n").focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest", inline: "nearest" });
    view.remember();
  };

  const moves = {
    ArrowRight: (node) => nearest(node, ends(out, node)),
    ArrowLeft: (node) => nearest(node, ends(into, node)),
    ArrowUp: (node) => beside(node, false),
    ArrowDown: (node) => beside(node, true),
  };
  const address = (name, value) => {
    const url = new URL(location.href);
    if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
    return url;
  };
  function expand(node) {
    const open = new URLSearchParams(location.search).get("open")?.split(",").filter(Boolean) ?? [];
    const others = open.filter((each) => each.split(".")[0] !== node.id);
    const next = others.length < open.length ? others : [...open, node.id];
    const url = address("open", next.join(","));
    url.hash = view.stay(node);
    location.assign(url);
  }
  function refocus(node) {
    const id = new URL(node.querySelector("a.n").getAttribute("href"), location.href).searchParams.get("panel");
    if (!id) return;
    const url = address("node", id);
    for (const name of ["open", "panel", "path", "columns", "only"]) url.searchParams.delete(name);
    url.hash = "";
    location.assign(url);
  }

  // The same lineage drawn in another way: what is looked at stays where it is.
  const kept = () => graph.querySelector(".node.shown") ?? view.focus;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const href = link?.getAttribute("href");
    if (!href || href.startsWith("#") || event.defaultPrevented || !view.focus) return;
    const to = new URL(href, location.href);
    const here = new URL(location.href);
    if (to.pathname !== here.pathname || to.searchParams.get("node") !== here.searchParams.get("node")) return;
    to.hash = view.stay(link.closest(".node:not(.k-group)") ?? kept());
    link.setAttribute("href", to.pathname + to.search + to.hash);
  });
  const form = document.getElementById("tools");
  form.addEventListener("submit", () => {
    if (view.focus) form.setAttribute("action", location.pathname + view.stay(kept()));
    // What is the case anyway does not stand in the address; the level does, for a run or a column implies its own.
    const idle = [...form.elements].filter((each) => each.name !== "level" && (!each.value || each.selectedIndex === 0));
    for (const each of idle) each.disabled = true;
    setTimeout(() => { for (const each of idle) each.disabled = false; });
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
    const node = nodeOf(event.target);
    if (node && moves[event.key]) {
      event.preventDefault();
      go(moves[event.key](node));
    } else if (node && event.key === "e") {
      expand(node);
    } else if (node && event.key === "f") {
      refocus(node);
    } else if (event.key === "Escape") {
      if (!panel.shut() && view.focus) go(view.focus);
    } else if (event.key === "+" || event.key === "=") {
      view.in();
    } else if (event.key === "-") {
      view.out();
    } else if (event.key === "0") {
      view.fit();
    } else if (moves[event.key] && canvas.contains(event.target) && view.focus) {
      event.preventDefault();
      go(view.focus);
    }
  });

  // An overview has marks in the place of nodes: the nearest to a click is meant.
  if (canvas.dataset.index) {
    const marks = canvas.dataset.index.split("\n").map((line) => {
      const [x, y, ...id] = line.split(" ");
      return { x: Number(x) + 4, y: Number(y) + 2, id: id.join(" ") };
    });
    graph.addEventListener("click", (event) => {
      const at = view.toPoint(event);
      const far = (mark) => (mark.x - at.x) ** 2 + (mark.y - at.y) ** 2;
      const mark = marks.reduce((one, other) => (far(other) < far(one) ? other : one));
      panel.show(address("panel", mark.id), graph);
    });
  }
}

// Keeps a page up to date: when the store has changed, the page is asked for again and the parts that differ change.
"use strict";
(() => {
  const live = document.body.dataset.live.trim() === "on";
  const REST = 300; // milliseconds between two looks
  const shown = new Map(); // what the server sent last, by part: an opened detail is no change of it
  let asking = false;
  let again = false;

  async function look() {
    if (asking || document.hidden) {
      again = true;
      return;
    }
    asking = true;
    again = false;
    const began = performance.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
      if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      document.body.classList.add("offline");
    }
    setTimeout(() => {
      asking = false;
      if (again) look();
    }, Math.max(REST, 3 * (performance.now() - began))); // a page that takes long is asked for less often
  }

  // What a part says, but how long ago things were: that alone is no reason to take it from under somebody's hand.
  const lasting = (part) => part.outerHTML.replace(/(<time[^>]*>)[^<]*/g, "$1");

  // Whether somebody is at work in a part, or has typed something into it that would be lost.
  function typed(part) {
    if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return true;
    return [...part.querySelectorAll("input, textarea, select")].some((field) =>
      field.matches("[type=checkbox]")
        ? field.checked !== field.defaultChecked
        : field.matches("select")
          ? [...field.options].some((option) => option.selected !== option.defaultSelected && field.selectedIndex > 0)
          : field.type !== "hidden" && field.value !== field.defaultValue,
    );
  }

  function swap(page) {
    document.body.classList.remove("offline");
    const seen = new Set();
    for (const fresh of page.querySelectorAll("[data-part]")) {
      seen.add(fresh.id);
      const old = document.getElementById(fresh.id);
      if (!old) {
        const before = fresh.previousElementSibling && document.getElementById(fresh.previousElementSibling.id);
        if (before) before.after(fresh);
        else document.getElementById("content").append(fresh);
      } else if ((shown.get(fresh.id) ?? lasting(old)) !== lasting(fresh)) {
        if (typed(old)) continue;
        shown.set(fresh.id, lasting(fresh));
        for (const closed of old.querySelectorAll("details:not([open])")) {
          const same = closed.id && fresh.querySelector("#" + CSS.escape(closed.id));
          if (same) same.open = false;
        }
        const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
        const scrolled = old.querySelector(".scroll") ? old.querySelector(".scroll").scrollLeft : 0;
        old.replaceWith(fresh);
        if (scrolled) fresh.querySelector(".scroll").scrollLeft = scrolled;
        if (focused) fresh.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
      }
    }
    for (const old of document.querySelectorAll("[data-part]")) {
      if (!seen.has(old.id) && !typed(old)) old.remove();
    }
    document.title = page.title;
  }

  function follow() {
    if (window.SharedWorker) {
      const worker = new SharedWorker("/static/worker.js");
      worker.port.onmessage = look;
      worker.port.start();
      const say = () => worker.port.postMessage(document.hidden ? "hidden" : "seen");
      document.addEventListener("visibilitychange", say);
      addEventListener("pagehide", () => worker.port.postMessage("hidden"));
      addEventListener("pageshow", say);
      say();
      return;
    }
    let stream = null;
    const settle = () => {
      if (document.hidden && stream) {
        stream.close();
        stream = null;
      } else if (!document.hidden && !stream) {
        stream = new EventSource("/live");
        stream.addEventListener("changed", look);
        stream.addEventListener("open", look);
      }
    };
    document.addEventListener("visibilitychange", settle);
    settle();
  }

  const COLOURS = ["#2f6fd0", "#c2620f", "#23915f", "#9455bd", "#c8406f", "#7d8409", "#7c8796"];

  // Bars that stand on each other: each series is drawn with all below it, the highest first.
  function chart(place) {
    const data = JSON.parse(place.dataset.chart);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const ink = dark ? "#b4bcc8" : "#4a5563";
    const lines = dark ? "#303845" : "#e3e7ec";
    const bars = window.uPlot.paths.bars({ size: [0.7, 60] });
    const axis = { stroke: ink, grid: { stroke: lines, width: 1 }, ticks: { stroke: lines } };
    const below = data.days.map(() => 0);
    const drawn = data.series.map(([label, values], number) => ({
      heights: values.map((value, day) => (below[day] += value / 1e9)),
      series: {
        label,
        stroke: COLOURS[number % COLOURS.length],
        fill: COLOURS[number % COLOURS.length],
        paths: bars,
        points: { show: false },
        value: (_, __, ___, day) => (day === null ? "" : "$" + (values[day] / 1e9).toPrecision(3)),
      },
    }));
    drawn.reverse();
    new window.uPlot(
      {
        width: place.clientWidth,
        height: 200,
        cursor: { y: false },
        series: [{ label: "day", value: "{YYYY}-{MM}-{DD}" }, ...drawn.map((one) => one.series)],
        scales: { x: { range: (_, least, most) => [least - 43200, most + 43200] }, y: { range: (_, __, most) => [0, most * 1.05 || 1] } },
        axes: [{ ...axis, space: 70 }, { ...axis, size: 70, values: (_, all) => all.map((value) => "$" + value) }],
      },
      [data.days.map((day) => Date.parse(day) / 1000), ...drawn.map((one) => one.heights)],
      place,
    );
  }

  if (live) follow();
  addEventListener("load", () => {
    if (window.uPlot) document.querySelectorAll("[data-chart]").forEach(chart);
  });
})();

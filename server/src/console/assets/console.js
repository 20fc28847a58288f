// Moves what the pages show: figures and charts each second, times as the
// reader's clock says them. Nothing depends on it.
"use strict";

(() => {
  const SECONDS = 180;
  const NAMESPACE = "http://www.w3.org/2000/svg";

  const number = (value) => {
    const size = Math.abs(value);
    if (100 <= size) return value.toFixed(0);
    if (1 <= size) return value.toFixed(1).replace(/\.0$/, "");
    return 0.005 <= size ? value.toFixed(2) : "0";
  };
  const count = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const size = (bytes) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let at = 0;
    while (1024 <= bytes && at + 1 < units.length) { bytes /= 1024; at += 1; }
    return `${bytes.toFixed(1).replace(/\.0$/, "")} ${units[at]}`;
  };
  const percent = (share) => `${(share * 100).toFixed(0)} %`;
  const some = (value, write) => (value === null || value === undefined ? "–" : write(value));

  // Times in the reader's own zone, the whole of it on demand.
  const clock = (element) => {
    const time = new Date(element.dateTime);
    if (Number.isNaN(time.getTime())) return;
    const isToday = time.toDateString() === new Date().toDateString();
    element.title = element.dateTime;
    element.textContent = isToday
      ? time.toLocaleTimeString("en-GB")
      : `${time.toLocaleDateString("sv-SE")} ${time.toLocaleTimeString("en-GB")}`;
  };
  document.querySelectorAll("time[datetime]").forEach(clock);

  // "/" leads to the search, as in most tools.
  document.addEventListener("keydown", (event) => {
    const field = document.querySelector("[data-search]");
    const isTyping = event.target.closest("input, textarea, select");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !field || isTyping) return;
    event.preventDefault();
    field.focus();
    field.select();
  });

  // What was confirmed is not sent twice.
  document.addEventListener("submit", (event) => {
    const button = event.target.querySelector("[data-confirm]");
    if (button) setTimeout(() => { button.disabled = true; }, 0);
  });

  const total = (beat) => Object.values(beat.answered).reduce((sum, rate) => sum + rate, 0);
  const FIGURES = {
    total: (beat) => number(total(beat)),
    ratio: (beat) => some(beat.hit_ratio, percent),
    p99: (beat) => some(beat.latency, (latency) => number(latency.p99)),
    asked: (beat) => number(beat.upstream.asked),
    entries: (beat) => count(beat.now.entries),
    bytes: (beat) => size(beat.now.bytes),
    connections: (beat) => count(beat.now.connections),
    flights: (beat) => count(beat.now.flights),
    waiting: (beat) => count(beat.upstream.waiting),
    errors: (beat) => number(beat.errors),
  };

  const latency = (name) => (beat) => (beat.latency ? beat.latency[name] : null);
  const CHARTS = {
    requests: {
      stacked: true,
      write: number,
      series: ["own", "fresh", "stale", "collapsed", "forwarded"].map((name) => ({ name, of: (beat) => beat.answered[name] })),
    },
    ratio: { top: 1, write: percent, series: [{ name: "fresh", of: (beat) => beat.hit_ratio, filled: true }] },
    latency: {
      logarithmic: true,
      write: (value) => `${number(value)} ms`,
      series: ["p50", "p90", "p99"].map((name) => ({ name, of: latency(name) })),
    },
    upstream: {
      write: number,
      series: [
        { name: "tokens", of: (beat) => beat.upstream.tokens, area: true },
        { name: "asked", of: (beat) => beat.upstream.asked },
        { name: "refused", of: (beat) => beat.upstream.refused },
      ],
    },
  };

  const make = (name, attributes, parent) => {
    const element = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    parent.append(element);
    return element;
  };

  // The least round number that is not below.
  const round = (value) => {
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 1.5, 2, 3, 4, 6, 8, 10].map((step) => step * power).find((step) => value <= step * 1.0001);
  };

  // From a value to the height above the axis, 0 to 1, and the lines to read it by.
  const scale = (chart, highest, lowest) => {
    if (chart.logarithmic) {
      const bottom = 10 ** Math.floor(Math.log10(lowest));
      const top = Math.max(10 ** Math.ceil(Math.log10(highest)), bottom * 10);
      const decades = Math.log10(top / bottom);
      const step = Math.ceil(decades / 4);
      const marks = [];
      for (let at = 0; at <= decades + 0.001; at += step) marks.push(bottom * 10 ** at);
      return { marks, of: (value) => Math.log10(Math.max(value, bottom) / bottom) / decades };
    }
    const top = chart.top || round(Math.max(highest, 1));
    return { marks: [0, top / 2, top], of: (value) => value / top };
  };

  // Pieces of a line, interrupted where there is no value.
  const pieces = (points) => {
    const found = [[]];
    for (const point of points) {
      if (point) found[found.length - 1].push(point);
      else if (found[found.length - 1].length) found.push([]);
    }
    return found.filter((piece) => piece.length);
  };
  const path = (points) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L");

  const draw = (svg, beats) => {
    const chart = CHARTS[svg.dataset.chart];
    svg.replaceChildren();
    if (!beats.length) return;
    // Space for the text has to be there before it can be measured.
    make("g", {}, svg);
    const { width, height } = svg.getBoundingClientRect();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const [left, bottom, upper] = [52, height - 18, 6];
    const newest = beats[beats.length - 1].at;
    const x = (beat) => width - ((newest - beat.at) / 1000 / SECONDS) * (width - left);

    // What a stack has below each of its series.
    const below = beats.map(() => 0);
    const rows = chart.series.map((series) => ({
      ...series,
      values: beats.map((beat, at) => {
        const value = series.of(beat);
        if (value === null || value === undefined || !chart.stacked) return [0, value];
        below[at] += value;
        return [below[at] - value, below[at]];
      }),
    }));
    const all = rows.flatMap((row) => row.values.map(([, value]) => value)).filter((value) => value !== null && value !== undefined);
    const positive = all.filter((value) => 0 < value);
    const axis = scale(chart, Math.max(...all, 0) || 1, positive.length ? Math.min(...positive) : 1);
    const y = (value) => bottom - axis.of(value) * (bottom - upper);

    for (const mark of axis.marks) {
      make("line", { class: "grid", x1: left, x2: width, y1: y(mark), y2: y(mark) }, svg);
      make("text", { x: left - 8, y: y(mark) + 4, "text-anchor": "end" }, svg).textContent = chart.write(mark);
    }
    for (const minutes of [3, 2, 1]) {
      const at = width - (minutes * 60 / SECONDS) * (width - left);
      make("text", { x: at, y: height - 3, "text-anchor": minutes === 3 ? "start" : "middle" }, svg).textContent = `−${minutes} min`;
    }
    make("text", { x: width, y: height - 3, "text-anchor": "end" }, svg).textContent = "now";

    for (const row of rows) {
      const points = row.values.map(([base, value], at) => (value === null || value === undefined ? null : [x(beats[at]), y(value), y(base)]));
      for (const piece of pieces(points)) {
        const back = piece.map(([at, , base]) => [at, base]).reverse();
        if (chart.stacked || row.area || row.filled) {
          make("path", { class: `area ${row.name}${row.filled ? " soft" : ""}`, d: `M${path(piece)}L${path(back)}Z` }, svg);
        }
        if (!chart.stacked && !row.area) make("path", { class: `line ${row.name}`, d: `M${path(piece)}` }, svg);
      }
    }
    const last = beats[beats.length - 1];
    const said = chart.series.map((series) => `${series.name} ${some(series.of(last), chart.write)}`).join(", ");
    const name = svg.closest("figure").querySelector("h2").textContent;
    svg.setAttribute("aria-label", `${name} in the last three minutes; now ${said}`);
    svg.atX = (position) => {
      const nearest = (best, beat) => (Math.abs(x(beat) - position) < Math.abs(x(best) - position) ? beat : best);
      return beats.reduce(nearest, beats[0]);
    };
    if (svg.pointed !== undefined) point(svg, x(svg.atX(svg.pointed)), upper, bottom);
    else read(svg, null);
  };

  // What the pointer is at, read off in the legend.
  const point = (svg, at, upper, bottom) => {
    make("line", { class: "cursor", x1: at, x2: at, y1: upper, y2: bottom }, svg);
    read(svg, svg.atX(svg.pointed));
  };
  const read = (svg, beat) => {
    const chart = CHARTS[svg.dataset.chart];
    for (const series of chart.series) {
      const item = svg.closest("figure").querySelector(`.legend .${series.name}`);
      let output = item.querySelector("output");
      if (!output) {
        output = document.createElement("output");
        output.setAttribute("aria-live", "off");
        item.append(output);
      }
      output.textContent = beat ? some(series.of(beat), chart.write) : "";
    }
  };

  const live = () => {
    const charts = [...document.querySelectorAll("[data-chart]")];
    if (!charts.length) return;
    const link = document.querySelector("[data-link]");
    const banner = document.querySelector("[data-governor]");
    let beats = [];
    let source = null;

    const tell = (state, text) => {
      link.hidden = false;
      link.className = `live ${state}`;
      link.querySelector("[data-link-text]").textContent = text;
    };
    const show = () => {
      for (const svg of charts) {
        svg.style.display = "block";
        draw(svg, beats);
      }
      const last = beats[beats.length - 1];
      if (!last) return;
      for (const element of document.querySelectorAll("[data-live]")) {
        element.textContent = FIGURES[element.dataset.live](last);
      }
    };
    const govern = ({ tone, what, until, why }) => {
      banner.className = `state ${tone}`;
      banner.querySelector("[data-what]").textContent = what;
      banner.querySelector("[data-why]").textContent = why;
      const place = banner.querySelector("[data-until]");
      place.replaceChildren();
      if (!until) return;
      const time = document.createElement("time");
      time.dateTime = until;
      clock(time);
      place.append("until ", time);
    };

    const open = () => {
      if (source) return;
      source = new EventSource("/v1/live");
      source.addEventListener("past", (event) => {
        tell("on", "live");
        beats = JSON.parse(event.data);
        show();
      });
      source.addEventListener("beat", (event) => {
        const { governor, ...beat } = JSON.parse(event.data);
        beats = [...beats, beat].slice(-SECONDS);
        govern(governor);
        show();
      });
      source.addEventListener("error", () => {
        const isOver = source && source.readyState === EventSource.CLOSED;
        tell("off", isOver ? "not live: load the page again" : "connecting again");
      });
    };
    // A page that nobody sees takes no connection.
    const close = () => {
      if (source) source.close();
      source = null;
    };
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", open);
    new ResizeObserver(show).observe(charts[0]);
    for (const svg of charts) {
      svg.addEventListener("pointermove", (event) => {
        svg.pointed = event.clientX - svg.getBoundingClientRect().left;
        draw(svg, beats);
      });
      svg.addEventListener("pointerleave", () => {
        delete svg.pointed;
        draw(svg, beats);
      });
    }
    open();
  };
  live();
})();

// Draws each chart from its table, which is there without this file too.
"use strict";

(() => {
  const HEIGHT = 240;
  const DASHES = [[], [8, 4], [2, 3], [], [8, 4], [2, 3]];
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const language = document.documentElement.lang;

  // How the numbers of an axis are divided and written: durations in the largest unit that the greatest of them fills.
  function scale(measure, most) {
    if (measure !== "seconds") {
      const short = new Intl.NumberFormat(language, { notation: most < 10000 ? "standard" : "compact", maximumFractionDigits: 1 });
      return [1, (value) => short.format(value)];
    }
    const [unit, seconds] = UNITS.find(([, size]) => most >= size) ?? UNITS[3];
    const short = new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 });
    return [seconds, (value) => short.format(value)];
  }

  function read(figure) {
    const rows = [...figure.querySelectorAll("tbody tr")];
    const names = [...figure.querySelectorAll("[data-series]")].map((cell) => cell.textContent);
    const cells = rows.map((row) => [...row.querySelectorAll("[data-cell]")]);
    return {
      names,
      labels: rows.map((row) => row.querySelector("th").textContent),
      short: rows.map((row) => row.dataset.short),
      texts: cells.map((row) => row.map((cell) => cell.textContent)),
      data: [rows.map((_, at) => at), ...names.map((_, at) => cells.map((row) => ("value" in row[at].dataset ? Number(row[at].dataset.value) : null)))],
    };
  }

  function draw(figure) {
    const place = figure.querySelector(".drawing");
    if (!place) return;
    const table = read(figure);
    const most = Math.max(1, ...table.data.slice(1).flat().filter((value) => value !== null));
    const [size, write] = scale(figure.dataset.measure, most);
    const [places, ...columns] = table.data;
    const data = [places, ...columns.map((column) => column.map((value) => (value === null ? null : value / size)))];
    const colour = (name) => getComputedStyle(figure).getPropertyValue(name).trim();
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    place.hidden = false;
    for (const legend of figure.querySelectorAll(".legend")) legend.hidden = false;
    const reading = document.createElement("div");
    reading.className = "reading";
    reading.hidden = true;
    const isBars = figure.dataset.form === "bars";
    const series = table.names.map((name, at) => ({
      label: name,
      stroke: () => colour(`--series-${at + 1}`),
      fill: isBars ? () => colour(`--series-${at + 1}`) : undefined,
      width: 2.5,
      dash: DASHES[at],
      paths: isBars ? uPlot.paths.bars({ size: [0.62, 48] }) : undefined,
      points: { show: !isBars, size: 6, fill: () => colour(`--series-${at + 1}`) },
    }));
    const axis = { stroke: () => colour("--soft"), font, ticks: { show: false } };
    const chart = new uPlot(
      {
        width: place.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: !isBars } },
        scales: { x: { time: false, range: (_, low, high) => [low - 0.5, high + 0.5] }, y: { range: (_, low, high) => [0, (high || 1) * 1.08] } },
        axes: [
          { ...axis, grid: { show: false }, size: 30, space: 44, incrs: [1, 2, 3, 4, 6, 12], values: (_, places) => places.map((at) => table.short[at] ?? "") },
          { ...axis, grid: { stroke: () => colour("--line"), width: 1 }, size: 64, values: (_, places) => places.map(write) },
        ],
        series: [{}, ...series],
        hooks: {
          setCursor: [
            (drawn) => {
              const at = drawn.cursor.idx;
              reading.hidden = at === null || at === undefined;
              if (reading.hidden) return;
              const lines = table.names.map((name, index) => (table.names.length > 1 ? `${name}: ` : "") + table.texts[at][index]);
              reading.replaceChildren(...[table.labels[at], ...lines].flatMap((line) => [line, document.createElement("br")]).slice(0, -1));
            },
          ],
        },
      },
      data,
      place,
    );
    place.append(reading);
    return () => {
      chart.destroy();
      reading.remove();
    };
  }

  const figures = [...document.querySelectorAll("figure.chart")].filter((figure) => figure.querySelector(".drawing"));
  const ends = new Map();
  const widths = new Map();
  function drawAll() {
    for (const figure of figures) {
      ends.get(figure)?.();
      ends.set(figure, draw(figure));
      widths.set(figure, figure.clientWidth);
    }
  }
  for (const figure of figures) figure.querySelector("details").open = false;
  drawAll();
  for (const asked of ["(prefers-color-scheme: dark)", "print"]) matchMedia(asked).addEventListener("change", drawAll);
  let waiting = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      if (figures.some((figure) => figure.clientWidth !== widths.get(figure))) drawAll();
    });
  });
})();

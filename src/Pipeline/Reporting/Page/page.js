'use strict';
// What a page does by itself: the switch of light and dark, tables that sort, and charts, which Plotly draws from the JSON beside them.

const root = document.documentElement;
const charts = [...document.querySelectorAll('figure.chart')].map(figure => {
  const data = JSON.parse(figure.querySelector('script').textContent);
  for (const series of data.series) {
    series.label = escapeHtml(series.name); // Plotly reads some tags
    series.text = series.text?.map(escapeHtml);
  }
  return { figure, plot: figure.querySelector('.plot'), data, log: false };
});
const hidden = new Set(); // names of lines that are switched off in every chart
let smoothing = 0;

// --- light and dark ---------------------------------------------------------------------------------------------------
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => (root.dataset.theme ?? (prefersDark.matches ? 'dark' : 'light')) === 'dark';

function addThemeSwitch() {
  const button = element('button', 'theme');
  const name = () => { button.textContent = isDark() ? 'Light' : 'Dark'; };
  button.onclick = () => { root.dataset.theme = isDark() ? 'light' : 'dark'; name(); drawAll(); };
  prefersDark.addEventListener('change', () => { name(); drawAll(); });
  name();
  document.querySelector('header').append(button);
}

// --- tables -----------------------------------------------------------------------------------------------------------
const numberOf = text => /^[-+−]?[\d.]/.test(text) ? parseFloat(text.replace('−', '-')) : NaN;

function makeSortable(table) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = element('button', '', head.textContent);
    head.replaceChildren(button);
    button.onclick = () => {
      const keys = new Map([...body.rows].map(row => [row, row.cells[column].textContent.trim()]));
      const numeric = [...keys.values()].some(text => !Number.isNaN(numberOf(text)));
      // Numbers begin with the largest, words with the first; the second click turns it round.
      const before = head.getAttribute('aria-sort');
      const ascending = before ? before === 'descending' : !numeric;
      const compare = numeric
        ? (a, b) => numberOf(a) - numberOf(b)
        : (a, b) => a.localeCompare(b, undefined, { numeric: true });
      const empty = text => numeric ? Number.isNaN(numberOf(text)) : text === '';
      const order = (a, b) => empty(a) || empty(b) ? empty(a) - empty(b) : ascending ? compare(a, b) : compare(b, a);
      for (const other of table.tHead.rows[0].cells) {
        other.removeAttribute('aria-sort');
      }
      head.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
      body.append(...[...body.rows].sort((a, b) => order(keys.get(a), keys.get(b))));
    };
  });
}

// --- charts -----------------------------------------------------------------------------------------------------------
// Exponential moving average, corrected for its start (Adam's correction); a gap stays a gap.
function smooth(values, beta) {
  let mean = 0, weight = 0;
  return values.map(value => {
    if (value === null) {
      return null;
    }
    mean = beta * mean + (1 - beta) * value;
    weight = beta * weight + (1 - beta);
    return mean / weight;
  });
}

function lineTraces(chart) {
  const one = chart.data.series.length === 1;
  return chart.data.series.flatMap(series => {
    const shown = {
      x: series.x, name: series.label, legendgroup: series.label, visible: !hidden.has(series.name), mode: series.x.length > 1 ? 'lines' : 'markers',
      line: { color: series.colour, width: 1.8, dash: series.dash },
    };
    const label = `%{y:.5g}${one ? '<extra></extra>' : ''}`;
    if (smoothing === 0) {
      return [{ ...shown, y: series.y, hovertemplate: label }];
    }
    return [
      { ...shown, y: series.y, opacity: 0.4, showlegend: false, hoverinfo: 'skip', line: { ...shown.line, width: 1 } },
      { ...shown, y: smooth(series.y, smoothing), hovertemplate: label },
    ];
  });
}

const traces = {
  lines: lineTraces,
  points: chart => chart.data.series.map(series => ({
    x: series.x, y: series.y, name: series.label, text: series.text, mode: 'markers',
    marker: { color: series.colour, symbol: series.symbol, size: 7, opacity: 0.85 },
    hovertemplate: `%{text}<extra>${series.label}</extra>`,
  })),
  bars: chart => chart.data.series.map(series => ({
    type: 'bar', orientation: 'h', name: series.label, x: series.y, y: series.text, marker: { color: series.colour }, hovertemplate: '%{x:.3g}',
  })),
  // Each interval is a bar of its length: a heat map whose columns need not be of one width.
  heat: chart => [{
    type: 'bar', orientation: 'h', showlegend: false,
    base: chart.data.series.flatMap(s => s.x),
    x: chart.data.series.flatMap(s => s.x.map((start, i) => s.ends[i] - start)),
    y: chart.data.series.flatMap(s => s.x.map(() => s.label)),
    customdata: chart.data.series.flatMap(s => s.y),
    marker: {
      color: chart.data.series.flatMap(s => s.y), colorscale: 'Cividis', cmin: 0, cmax: 1, line: { width: 0 }, showscale: true,
      colorbar: { tickformat: '.0%', thickness: 12, outlinewidth: 0, nticks: 3 },
    },
    hovertemplate: '%{y}: %{customdata:.0%}<br>from %{base:.2f} s<extra></extra>',
  }],
};

function layout(chart) {
  const style = getComputedStyle(root);
  const probe = getComputedStyle(document.body);
  const grid = getComputedStyle(chart.figure).borderTopColor;
  const { kind, x, y, range, series } = chart.data;
  const rows = kind === 'bars' || kind === 'heat';
  const axis = { gridcolor: grid, linecolor: grid, zerolinecolor: grid, automargin: true, nticks: 7, exponentformat: 'e' };
  const title = text => ({ text, font: { size: 12 }, standoff: 8 });
  return {
    paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', font: { color: probe.color, family: probe.fontFamily, size: 12 },
    margin: { l: 8, r: 12, t: 26, b: 8 },
    hovermode: kind === 'lines' ? 'x unified' : 'closest',
    hoverlabel: { bgcolor: probe.backgroundColor, bordercolor: grid, font: { color: probe.color } },
    modebar: { bgcolor: 'rgba(0,0,0,0)', color: grid, activecolor: style.getPropertyValue('--accent') },
    dragmode: matchMedia('(pointer: coarse)').matches ? false : 'zoom', // a finger scrolls the page
    barmode: 'stack', bargap: kind === 'heat' ? 0.12 : 0.35,
    showlegend: series.length > 1 && kind !== 'heat',
    legend: { orientation: 'h', traceorder: 'normal', yref: 'container', y: 0, yanchor: 'bottom', x: 0 },
    xaxis: {
      ...axis, title: title(x),
      ...(kind === 'lines' ? { spikecolor: probe.color, spikethickness: -1, spikedash: 'solid', unifiedhovertitle: { text: `${x} %{x}` } } : {}),
      ...(range ? { range } : {}), ...(rows ? { rangemode: 'tozero' } : {}),
    },
    yaxis: rows
      ? { ...axis, autorange: 'reversed', type: 'category', nticks: undefined, dtick: 1 }
      : { ...axis, title: title(y), type: chart.log ? 'log' : 'linear', rangemode: chart.data.from0 && !chart.log ? 'tozero' : 'normal' },
  };
}

function draw(chart) {
  const name = chart.data.title.replace(/[^\p{L}\p{N}]+/gu, '-');
  return Plotly.react(chart.plot, traces[chart.data.kind](chart), layout(chart), {
    responsive: true, displaylogo: false, modeBarButtonsToRemove: ['lasso2d', 'select2d', 'autoScale2d'],
    toImageButtonOptions: { format: 'svg', filename: name },
  });
}

// One at a time, so that a page of many charts can be read and scrolled meanwhile; a later call takes over from an earlier one.
let drawing = 0;
async function drawAll() {
  const mine = ++drawing;
  for (const chart of charts) {
    await draw(chart);
    await new Promise(next => setTimeout(next));
    if (mine !== drawing) {
      return;
    }
  }
}

function addLogSwitch(chart) {
  const values = chart.data.series.flatMap(series => series.y);
  if (chart.data.kind !== 'lines' || !values.every(value => value === null || value > 0)) {
    return;
  }
  const button = element('button', '', 'log');
  button.title = 'Logarithmic scale';
  button.setAttribute('aria-pressed', 'false');
  button.onclick = () => { chart.log = !chart.log; button.setAttribute('aria-pressed', `${chart.log}`); draw(chart); };
  chart.figure.querySelector('figcaption').append(button);
}

// In front of the first curves: how much they are smoothed, and which runs are shown.
function addControls() {
  const lines = charts.filter(chart => chart.data.kind === 'lines');
  if (lines.length === 0) {
    return;
  }
  const bar = element('div', 'controls');
  const slider = Object.assign(element('input'), { type: 'range', min: 0, max: 0.99, step: 0.01 });
  const value = element('output');
  const longest = Math.max(...lines.flatMap(chart => chart.data.series.map(series => series.x.length)));
  slider.value = longest > 200 ? 0.9 : longest > 30 ? 0.6 : 0;
  const read = () => { smoothing = Number(slider.value); value.textContent = smoothing ? smoothing.toFixed(2) : 'off'; };
  slider.oninput = () => { read(); drawAll(); };
  read();
  const label = element('label', '', 'Smoothing ');
  label.title = 'Exponential moving average: the share of the mean before. What was measured stays, faint.';
  label.append(slider, ' ', value);
  bar.append(label);
  const names = new Set(lines.flatMap(chart => chart.data.series.map(series => series.name)));
  for (const name of names.size > 1 ? names : []) {
    const box = Object.assign(element('input'), { type: 'checkbox', checked: true });
    box.onchange = () => { box.checked ? hidden.delete(name) : hidden.add(name); drawAll(); };
    const line = element('label');
    line.append(box, ` ${name}`);
    bar.append(line);
  }
  (lines[0].figure.closest('.grid') ?? lines[0].figure).before(bar);
}

// --- small things -----------------------------------------------------------------------------------------------------
function element(tag, classes = '', text = '') {
  const made = document.createElement(tag);
  made.className = classes;
  made.textContent = text;
  return made;
}

function escapeHtml(text) {
  return text.replace(/[&<>]/g, character => `&#${character.charCodeAt(0)};`);
}

addThemeSwitch();
document.querySelectorAll('table.sortable').forEach(makeSortable);
charts.forEach(addLogSwitch);
addControls();
drawAll().then(() => { root.dataset.drawn = `${charts.length}`; });

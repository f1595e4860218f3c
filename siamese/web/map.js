// The map's script: points that the server packed → two canvases, one for the points and one for marks upon them.
// gr.HTML runs it as the body of a function of (element, trigger, props, server, upload, watch).
//
// Points are stamped into one block of pixels, which stays quick for 20,000 of them without a graphics card.

const part = name => element.querySelector(`.map-${name}`);
const frame = part('frame'), canvas = part('points'), overlay = part('marks'), card = part('card');
const legend = part('legend'), spoken = part('spoken'), waiting = part('waiting'), zoomOut = part('out');
const ink = canvas.getContext('2d', {alpha: false}), pen = overlay.getContext('2d');

const PADDING = 28, DEEPEST = 60, STEP = 1.6; // pixels around the points, and how far and fast the view zooms
const REACH = 14, FINGER = 24, STILL = 5; // pixels: how near a pointer counts as on a point, and as not dragged
const LARGEST = 8; // of a point's radius, in pixels
const KEPT = 600, AHEAD = 12, SHARPEST = 2; // pictures remembered and fetched ahead; device pixels drawn per pixel

let points = {version: '', count: 0, emotions: []};
let only = new Set(); // the emotions chosen in the legend; none chosen shows all
let home = null, view = null; // {scale, x, y}: a place times scale, plus x and y, is a pixel
let hovered = -1, chosen = null, near = [], pin = null;
let paper = [255, 255, 255], text = '#000', accent = '#00f';
let pixels = null, image = null, margin = 0;
const pictures = new Map(); // by row, the latest last

// Points: unpacked as they come, in the order in which they are drawn

function bytes(packed) {
  const letters = atob(packed), found = new Uint8Array(letters.length);
  for (let index = 0; index < letters.length; index++) found[index] = letters.charCodeAt(index);
  return found.buffer;
}

async function refresh() {
  let answer;
  try {
    answer = await server.points(points.version);
  } catch {
    answer = {refused: 'The map cannot be reached. Is the page still being served? Load it again.'};
  }
  if (!answer) return;
  if (answer.refused) return refuse(answer.refused);
  if (points.version) forget();
  const coordinates = new Uint16Array(bytes(answer.places));
  points = {
    version: answer.version, count: answer.count, emotions: answer.emotions,
    rows: new Uint32Array(bytes(answer.rows)), kinds: new Uint16Array(bytes(answer.kinds)),
    xs: new Float32Array(answer.count), ys: new Float32Array(answer.count),
  };
  for (let index = 0; index < answer.count; index++) {
    points.xs[index] = coordinates[2 * index] / 65535;
    points.ys[index] = coordinates[2 * index + 1] / 65535;
  }
  list();
  home = null;
  fit();
  frame.dataset.count = points.count;
  overlay.setAttribute('aria-label', `Map of ${points.count} examples of the gallery`);
  waiting.hidden = points.count > 0;
  waiting.textContent = 'The gallery is empty.';
}

// What was marked on a map that has changed since.
function forget() {
  hover(-1);
  only.clear();
  props.value = null;
  follow();
}

function refuse(sentence) {
  waiting.hidden = false;
  waiting.textContent = sentence;
  waiting.setAttribute('role', 'alert');
}

// The legend: press emotions to see only these

function list() {
  const buttons = points.emotions.map((emotion, kind) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.style.setProperty('--emotion', emotion.colour);
    button.setAttribute('aria-pressed', 'false');
    const count = document.createElement('span');
    count.textContent = emotion.count.toLocaleString('en');
    button.append(document.createElement('i'), `${emotion.symbol} ${emotion.name} `, count);
    button.addEventListener('click', () => filter(kind, button));
    return button;
  });
  legend.replaceChildren(...buttons);
}

function filter(kind, button) {
  only.has(kind) ? only.delete(kind) : only.add(kind);
  button.setAttribute('aria-pressed', String(only.has(kind)));
  hover(-1);
  paint(true);
}

const shown = index => !only.size || only.has(points.kinds[index]);

// The view: at home, all points fill the frame; nearer, it stays within what is seen from home

function fit() {
  const {clientWidth: width, clientHeight: height} = frame;
  if (!width || !height || !points.count) return;
  const density = Math.min(SHARPEST, window.devicePixelRatio || 1);
  for (const each of [canvas, overlay]) {
    each.width = Math.round(width * density);
    each.height = Math.round(height * density);
  }
  const before = home && view && {zoom: view.scale / home.scale, ...placeAt(home.width / 2, home.height / 2)};
  const [left, right] = extent(points.xs), [top, bottom] = extent(points.ys);
  const padding = Math.min(PADDING, width / 12);
  const room = [(width - 2 * padding) / (right - left || 1e-6), (height - 2 * padding) / (bottom - top || 1e-6)];
  const scale = Math.min(...room, 1.5 * Math.max(width, height));
  home = {
    scale, width, height, density,
    x: width / 2 - scale * (left + right) / 2, y: height / 2 - scale * (top + bottom) / 2,
  };
  const {zoom, x, y} = before || {zoom: 1, ...placeAt(width / 2, height / 2, home)};
  moveTo(home.scale * zoom, width / 2 - x * home.scale * zoom, height / 2 - y * home.scale * zoom);
}

function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

const pixelOf = ([x, y]) => [x * view.scale + view.x, y * view.scale + view.y];
const placeAt = (x, y, from = view) => ({x: (x - from.x) / from.scale, y: (y - from.y) / from.scale});
const placeOf = index => [points.xs[index], points.ys[index]];

function moveTo(scale, x, y) {
  scale = Math.min(DEEPEST * home.scale, Math.max(home.scale, scale));
  const within = (offset, start, size) => {
    const last = start * scale / home.scale; // where the edge of home comes to lie
    return Math.min(last, Math.max(offset, last + size - size * scale / home.scale));
  };
  const edge = axis => axis === 'x' ? home.x : home.y;
  view = {scale, x: within(x, edge('x'), home.width), y: within(y, edge('y'), home.height)};
  const away = scale > home.scale * 1.001;
  overlay.style.touchAction = away ? 'none' : 'pan-y'; // from home, a finger scrolls the page past the map
  zoomOut.disabled = part('home').disabled = !away;
  paint(true);
}

function zoom(factor, x = home.width / 2, y = home.height / 2) {
  const scale = Math.min(DEEPEST * home.scale, Math.max(home.scale, view.scale * factor));
  const place = placeAt(x, y);
  moveTo(scale, x - place.x * scale, y - place.y * scale);
}

function reveal(place) {
  const [x, y] = pixelOf(place), {width, height} = home;
  if (x < PADDING || y < PADDING || x > width - PADDING || y > height - PADDING)
    moveTo(view.scale, width / 2 - place[0] * view.scale, height / 2 - place[1] * view.scale);
}

// Drawing: at most once a frame

let asked = false, anew = false;

function paint(all = false) {
  anew ||= all;
  if (asked || !view) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    if (anew) drawPoints();
    anew = false;
    drawMarks();
    placeCard();
  });
}

function radius() {
  const fair = Math.sqrt(0.04 * home.width * home.height / Math.max(1, points.count) / Math.PI);
  return Math.min(LARGEST, Math.max(1.7, fair) * (view.scale / home.scale) ** 0.3);
}

function drawPoints() {
  const {width, height} = canvas, size = Math.round(4 * radius() * home.density) / 4;
  prepare(width, height, Math.ceil(LARGEST * home.density) + 4);
  pixels.fill(colourWord(paper));
  if (only.size) stampAll(size, index => !shown(index), () => mixed(paper, channels(text), 0.13));
  const colours = points.emotions.map(emotion => channels(emotion.colour));
  stampAll(size, shown, kind => colours[kind]);
  ink.putImageData(image, -margin, -margin);
}

function prepare(width, height, room) {
  if (image && image.width === width + 2 * room && image.height === height + 2 * room) return;
  margin = room; // around the picture, so that no disc has to be cut
  image = new ImageData(width + 2 * margin, height + 2 * margin);
  pixels = new Uint32Array(image.data.buffer);
}

function stampAll(size, wanted, colourOf) {
  const {density} = home, scale = view.scale * density, wide = image.width;
  const right = canvas.width + margin - 2, bottom = canvas.height + margin - 2;
  const sprites = points.emotions.map((_, kind) => discs(size, colourOf(kind)));
  const side = sprites.length ? sprites[0].side : 0, half = side / 2;
  for (let index = 0; index < points.count; index++) {
    const x = points.xs[index] * scale + view.x * density, y = points.ys[index] * scale + view.y * density;
    if (x < 2 - margin || y < 2 - margin || x > right || y > bottom || !wanted(index)) continue;
    const left = x - half + margin, top = y - half + margin;
    const column = Math.floor(left), row = Math.floor(top);
    if (column < 0 || row < 0 || column + side > wide || row + side > image.height) continue;
    const shift = ((top - row) * 4 | 0) * 4 + ((left - column) * 4 | 0);
    stamp(sprites[points.kinds[index]].shifted[shift], side, row * wide + column, wide);
  }
}

function stamp({words, under}, side, start, wide) {
  for (let row = 0, from = 0; row < side; row++, start += wide) {
    for (let column = 0; column < side; column++, from++) {
      const share = under[from]; // of what lies beneath, of 256
      if (share === 256) continue;
      const at = start + column, word = words[from];
      if (share === 0) { pixels[at] = word; continue; }
      const below = pixels[at];
      pixels[at] = 0xff000000 | (((below & 0xff00ff) * share >>> 8) & 0xff00ff) + (word & 0xff00ff)
        | (((below & 0x00ff00) * share >>> 8) & 0x00ff00) + (word & 0x00ff00);
    }
  }
}

const stamps = new Map();

// Discs with a thin edge of paper, shifted by quarters of a pixel.
function discs(size, colour) {
  const name = `${size.toFixed(2)} ${colour} ${paper}`;
  if (stamps.has(name)) return stamps.get(name);
  if (stamps.size > 200) stamps.clear();
  const edge = Math.min(1.2, size * 0.3), side = 2 * Math.ceil(size + edge + 1);
  const cover = (radius, distance) => Math.min(1, Math.max(0, radius + 0.5 - distance));
  const shifted = Array.from({length: 16}, (_, shift) => {
    const words = new Uint32Array(side * side), under = new Uint16Array(side * side);
    const middleX = side / 2 + (shift % 4 + 0.5) / 4, middleY = side / 2 + ((shift >> 2) + 0.5) / 4;
    for (let at = 0; at < side * side; at++) {
      const distance = Math.hypot(at % side + 0.5 - middleX, Math.floor(at / side) + 0.5 - middleY);
      const inner = cover(size, distance), outer = Math.max(inner, 0.8 * cover(size + edge, distance));
      under[at] = Math.round(256 * (1 - outer));
      words[at] = colourWord(colour.map((value, channel) =>
        Math.min(255 * outer, value * inner + paper[channel] * (outer - inner))));
    }
    return {words, under};
  });
  stamps.set(name, {side, shifted});
  return stamps.get(name);
}

const colourWord = ([red, green, blue]) => (0xff000000 | blue << 16 | green << 8 | red) >>> 0;
const mixed = (from, to, share) => from.map((value, channel) => Math.round(value + share * (to[channel] - value)));

function channels(colour) {
  pen.fillStyle = colour; // as the browser understands it
  return [1, 3, 5].map(start => parseInt(pen.fillStyle.slice(start, start + 2), 16));
}

function drawMarks() {
  pen.setTransform(home.density, 0, 0, home.density, 0, 0);
  pen.clearRect(0, 0, home.width, home.height);
  const size = radius();
  if (chosen) {
    const [x, y] = pixelOf(chosen.place);
    pen.strokeStyle = text;
    pen.globalAlpha = 0.45;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const [nearX, nearY] of near.map(pixelOf)) {
      pen.moveTo(x, y);
      pen.lineTo(nearX, nearY);
    }
    pen.stroke();
    pen.globalAlpha = 1;
    rings(near.map(pixelOf), size + 1.5, text, 1.5);
    pin ? drawPin(x, y) : rings([[x, y]], size + 4, accent, 3.5);
  }
  if (hovered >= 0) rings([pixelOf(placeOf(hovered))], size + 2.5, text, 2.5);
}

function rings(middles, size, colour, width) {
  for (const [stroke, line] of [[`rgb(${paper})`, width + 2], [colour, width]]) {
    pen.strokeStyle = stroke;
    pen.lineWidth = line;
    pen.beginPath();
    for (const [x, y] of middles) {
      pen.moveTo(x + size, y);
      pen.arc(x, y, size, 0, 2 * Math.PI);
    }
    pen.stroke();
  }
}

// The face of a photo, in a disc that stands on its place; downwards where there is no room above.
function drawPin(x, y) {
  const size = 24, up = y > 2 * size + 18 ? -1 : 1, middle = y + up * (size + 13);
  pen.fillStyle = accent;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x - 9, middle - up * (size - 4));
  pen.lineTo(x + 9, middle - up * (size - 4));
  pen.fill();
  pen.beginPath();
  pen.arc(x, middle, size + 3, 0, 2 * Math.PI);
  pen.fill();
  rings([[x, y]], 3, accent, 3);
  if (!pin.complete || !pin.naturalWidth) return;
  pen.save();
  pen.beginPath();
  pen.arc(x, middle, size, 0, 2 * Math.PI);
  pen.clip();
  pen.drawImage(pin, x - size, middle - size, 2 * size, 2 * size);
  pen.restore();
}

// Hovering: the label at once, the picture as soon as it is there

function hover(index, aloud = false) {
  if (index === hovered && !aloud) return;
  hovered = index;
  card.hidden = index < 0;
  frame.classList.toggle('pointing', index >= 0);
  if (index >= 0) {
    fillCard();
    fetchPictures();
  }
  if (aloud) speak();
  paint();
}

function fillCard() {
  const emotion = points.emotions[points.kinds[hovered]], found = pictures.get(points.rows[hovered]);
  const picture = card.querySelector('img');
  card.style.setProperty('--emotion', emotion.colour);
  card.querySelector('.caption').textContent = `${emotion.symbol} ${emotion.name}`;
  card.querySelector('.detail').textContent = found ? found.source : '';
  picture.style.visibility = found ? 'visible' : 'hidden';
  if (found) picture.src = found.picture;
  card.dataset.row = found ? found.row : '';
}

function placeCard() {
  if (hovered < 0) return;
  const [x, y] = pixelOf(placeOf(hovered)), {offsetWidth: width, offsetHeight: height} = card;
  const beside = x + 18 + width < home.width ? x + 18 : x - 18 - width;
  const left = Math.max(4, Math.min(home.width - width - 4, beside));
  const top = Math.max(4, Math.min(home.height - height - 4, y - height / 2));
  card.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
}

let fetching = false, announce = false;

// One request at a time: for the point that is hovered now, then for those around it.
async function fetchPictures() {
  const rows = missing();
  if (fetching || !rows.length) return;
  fetching = true;
  try {
    const found = new Map((await server.examples(rows)).map(each => [each.row, each]));
    for (const row of rows) pictures.set(row, found.get(row) ?? null); // null: it was removed meanwhile
    for (const row of pictures.keys()) {
      if (pictures.size <= KEPT) break;
      pictures.delete(row);
    }
  } catch {
    return; // the next hover tries again
  } finally {
    fetching = false;
  }
  if (hovered >= 0) fillCard();
  if (announce) speak();
  paint(); // the card may have grown
  fetchPictures();
}

function missing() {
  if (hovered < 0) return [];
  const row = points.rows[hovered];
  if (!pictures.has(row)) return [row];
  const [x, y] = pixelOf(placeOf(hovered));
  return around(x, y, 90).slice(0, AHEAD).map(index => points.rows[index]).filter(each => !pictures.has(each));
}

function speak() {
  const found = hovered < 0 ? null : pictures.get(points.rows[hovered]);
  announce = hovered >= 0 && !found;
  if (!announce) spoken.textContent = found ? `${points.emotions[points.kinds[hovered]].name}, ${found.source}` : '';
}

// What lies where. 20,000 distances take less than a tenth of a millisecond, so nothing is sorted beforehand.

function nearest(x, y, reach) {
  const place = placeAt(x, y);
  let best = -1, least = (reach / view.scale) ** 2;
  for (let index = 0; index < points.count; index++) {
    const distance = (points.xs[index] - place.x) ** 2 + (points.ys[index] - place.y) ** 2;
    if (distance <= least && shown(index)) [best, least] = [index, distance];
  }
  return best;
}

function around(x, y, reach) {
  const place = placeAt(x, y), found = [], most = (reach / view.scale) ** 2;
  for (let index = 0; index < points.count; index++) {
    const distance = (points.xs[index] - place.x) ** 2 + (points.ys[index] - place.y) ** 2;
    if (distance < most && shown(index)) found.push([distance, index]);
  }
  return found.sort((one, other) => one[0] - other[0]).map(([, index]) => index);
}

// The nearest point that lies to that side, rather straight ahead than aslant.
function towards(stepX, stepY) {
  const [fromX, fromY] = placeOf(hovered);
  let best = -1, least = Infinity;
  for (let index = 0; index < points.count; index++) {
    const x = points.xs[index] - fromX, y = points.ys[index] - fromY, ahead = x * stepX + y * stepY;
    const aslant = Math.abs(x * stepY - y * stepX);
    if (ahead <= 0 || aslant > ahead || !shown(index)) continue;
    if (ahead + 2 * aslant < least) [best, least] = [index, ahead + 2 * aslant];
  }
  return best;
}

// Choosing a point: the server answers with its neighbours, as the component's value

function choose(index) {
  if (index < 0) return hover(-1);
  const row = points.rows[index];
  if (chosen?.row !== row) [chosen, near, pin] = [{row, place: placeOf(index)}, [], null];
  hover(index);
  trigger('select', {key: row});
  paint();
}

function follow() {
  const value = props.value ?? {};
  chosen = value.chosen ?? null;
  near = value.near ?? [];
  pin = chosen?.picture ? Object.assign(new Image(), {src: chosen.picture, onload: () => paint()}) : null;
  frame.dataset.chosen = chosen ? chosen.row ?? 'photo' : '';
  if (!view) return;
  if (chosen) reveal(chosen.place);
  if (pin) frame.scrollIntoView({block: 'nearest'});
  paint();
}

// Pointers: one drags, two pinch, and one that stays where it is chooses

const pointers = new Map();
let travelled = 0, scrolled = -Infinity;

const at = event => {
  const box = overlay.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

overlay.addEventListener('pointerdown', event => {
  if (!view || event.button) return;
  if (!pointers.size) travelled = 0;
  pointers.set(event.pointerId, at(event));
  overlay.setPointerCapture(event.pointerId);
});

overlay.addEventListener('pointermove', event => {
  if (!view) return;
  const before = pointers.get(event.pointerId), [x, y] = at(event);
  if (!before) {
    if (event.pointerType !== 'touch') hover(nearest(x, y, REACH));
    return;
  }
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  pointers.set(event.pointerId, [x, y]);
  travelled += Math.hypot(x - before[0], y - before[1]);
  if (travelled < STILL) return;
  hover(-1);
  moveTo(view.scale, view.x + (x - before[0]) / pointers.size, view.y + (y - before[1]) / pointers.size);
  if (!other) return;
  const spread = ([fromX, fromY]) => Math.max(10, Math.hypot(fromX - other[0], fromY - other[1]));
  zoom(spread([x, y]) / spread(before), (x + other[0]) / 2, (y + other[1]) / 2);
});

for (const ending of ['pointerup', 'pointercancel']) {
  overlay.addEventListener(ending, event => {
    if (!pointers.delete(event.pointerId) || ending === 'pointercancel' || pointers.size || travelled >= STILL) return;
    choose(nearest(...at(event), event.pointerType === 'touch' ? FINGER : REACH));
  });
}

overlay.addEventListener('pointerleave', event => event.pointerType !== 'touch' && hover(-1));

// A wheel that scrolls the page goes on scrolling it when the map comes under it.
window.addEventListener('scroll', () => { scrolled = performance.now(); }, {passive: true});
overlay.addEventListener('wheel', event => {
  const inwards = event.deltaY < 0, away = view && view.scale > home.scale * 1.001;
  if (!view || performance.now() - scrolled < 250 || !(inwards || away)) return;
  event.preventDefault();
  const lines = event.deltaMode ? 30 : 1;
  zoom(2 ** (-Math.max(-240, Math.min(240, event.deltaY * lines)) / 240), ...at(event));
}, {passive: false});

overlay.addEventListener('dblclick', event => view && zoom(STEP * STEP, ...at(event)));

const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
const KEYS = {
  '+': () => zoom(STEP), '=': () => zoom(STEP), '-': () => zoom(1 / STEP),
  0: () => moveTo(home.scale, home.x, home.y), Escape: () => hover(-1),
  Enter: () => choose(hovered), ' ': () => choose(hovered),
};

overlay.addEventListener('keydown', event => {
  if (!view || event.ctrlKey || event.metaKey || event.altKey) return;
  if (ARROWS[event.key]) step(...ARROWS[event.key]);
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

function step(stepX, stepY) {
  const middle = nearest(home.width / 2, home.height / 2, Infinity);
  const next = hovered < 0 ? middle : towards(stepX, stepY);
  if (next < 0) return;
  reveal(placeOf(next));
  hover(next, true);
}

overlay.addEventListener('blur', () => hover(-1));
part('in').addEventListener('click', () => view && zoom(STEP));
zoomOut.addEventListener('click', () => view && zoom(1 / STEP));
part('home').addEventListener('click', () => view && moveTo(home.scale, home.x, home.y));

// Light and dark, size, and when it is seen

function dress() {
  const style = getComputedStyle(frame);
  paper = channels(style.backgroundColor);
  text = style.color;
  accent = style.getPropertyValue('--color-accent').trim() || text;
  paint(true);
}

let seen = false;

function settle() {
  const visible = frame.clientWidth > 0;
  if (visible && !seen) {
    dress();
    refresh();
  }
  seen = visible;
  if (visible) fit();
}

new ResizeObserver(settle).observe(frame);
new MutationObserver(dress).observe(document.body, {attributes: true, attributeFilter: ['class']});
watch('value', follow);

// For whoever drives the page by program: where a row is, and how long all points take to draw
frame.pixelOf = row => pixelOf(placeOf(points.rows.indexOf(row)));
frame.time = () => {
  const start = performance.now();
  drawPoints();
  return performance.now() - start;
};
follow();

// The tab Live's script: a camera's frames → the server, and its readings → boxes, cards and charts.
// gr.HTML runs it as the body of a function of (element, trigger, props, server, upload, watch).
//
// At most two frames are under way: one that is read and one that waits, so that none grows old in a queue.

const part = name => element.querySelector(`.live-${name}`);
const video = element.querySelector('video'), marks = part('marks'), frame = part('frame'), notice = part('notice');
const start = part('start'), cameras = part('camera'), pace = part('pace'), faces = part('faces');
const spoken = part('spoken'), hint = faces.querySelector('.hint');
const sliders = [...part('steadiness').querySelectorAll('input')];
const pen = marks.getContext('2d'), template = element.querySelector('template');

const WIDEST = 640, QUALITY = 0.85; // pixels and JPEG quality of the frames that are sent
const UNDER_WAY = 2, LEAST = 1000 / 30; // frames, and milliseconds from one to the next
const MINUTE = 60_000, RECENT = 2000; // milliseconds: of a chart, and over which the pace is told
const GONE = 600, REDRAWN = 100, SPOKEN = 4000; // until a face counts as gone, from chart to chart, and between words
const INSECURE = 'Browsers show a camera only to pages that come over https, or from this machine (http://127.0.0.1).';
const REFUSED = {
  NotAllowedError: 'The browser did not allow the camera. Allow it for this page, and start again.',
  NotFoundError: 'There is no camera here. Connect one, and start again.',
  NotReadableError: 'The camera is in use by another program. Close that, and start again.',
};
const LOST = 'The connection ended. Is the page still being served? Start again.';

let socket = null, camera = null, looks = new Map();
let sent = 0, answered = 0, sentAt = 0, answers = [];
let people = new Map(); // by number: {card, past: [[time, names, shares, emotion]], box, emotion, confidence, seen}
let said = ['', 0], turn = 0; // what was said last and when; and how often the camera was started or stopped

// The camera and the connection: both are there, or neither

async function begin() {
  const mine = ++turn;
  wait(true);
  say('The camera is being started …');
  try {
    if (!navigator.mediaDevices) throw new Error(INSECURE);
    const wanted = {width: {ideal: WIDEST}, frameRate: {ideal: 30}};
    if (cameras.value) wanted.deviceId = {exact: cameras.value};
    const opened = await navigator.mediaDevices.getUserMedia({video: wanted, audio: false});
    if (mine !== turn || !element.offsetParent) { // the tab was left while the browser asked
      opened.getTracks().forEach(track => track.stop());
      return mine === turn && end();
    }
    camera = opened;
    camera.getVideoTracks()[0].addEventListener('ended', () => end('The camera was taken away. Start it again.'));
    video.srcObject = camera;
    await video.play();
    await list(opened);
    if (mine === turn) connect();
  } catch (error) {
    if (mine === turn) end(REFUSED[error.name] ?? `The camera cannot be used: ${error.message}`);
  }
}

function connect() {
  const address = new URL('live', location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  address.search = address.hash = '';
  const opened = socket = new WebSocket(address);
  opened.addEventListener('message', ({data}) => opened === socket && told(JSON.parse(data)));
  opened.addEventListener('close', ({reason}) => opened === socket && end(reason || LOST));
}

function end(sentence = '') {
  const closing = socket;
  turn += 1;
  socket = null;
  closing?.close();
  camera?.getTracks().forEach(track => track.stop());
  camera = video.srcObject = null;
  sent = answered = 0;
  answers = [];
  pace.textContent = frame.dataset.readings = '';
  wait(false);
  start.textContent = 'Start the camera';
  pen.clearRect(0, 0, marks.width, marks.height);
  say(sentence || 'The camera is off.', Boolean(sentence));
  for (const person of people.values()) dim(person);
}

// A button that is disabled in earnest loses the keyboard's focus.
function wait(whether) {
  start.setAttribute('aria-disabled', whether);
}

async function list(opened) {
  const found = (await navigator.mediaDevices.enumerateDevices()).filter(each => each.kind === 'videoinput');
  const used = opened.getVideoTracks()[0].getSettings().deviceId;
  cameras.replaceChildren(...found.map((each, index) =>
    new Option(each.label || `Camera ${index + 1}`, each.deviceId, false, each.deviceId === used)));
  cameras.hidden = found.length < 2;
}

function say(sentence, alarm = false) {
  notice.hidden = !sentence;
  notice.textContent = sentence;
  hint.hidden = true; // until readings show no face
  alarm ? notice.setAttribute('role', 'alert') : notice.removeAttribute('role');
}

// Frames: sent when there is a new one, the last ones are answered, and the tab is looked at

const small = document.createElement('canvas'), sketch = small.getContext('2d', {alpha: false});
let encoding = false;

function send() {
  if (!camera) return;
  const now = performance.now(), open = socket?.readyState === WebSocket.OPEN;
  if (open && looks.size && !encoding && sent - answered < UNDER_WAY && now - sentAt > LEAST - 4 && video.videoWidth) {
    sentAt = now;
    encoding = true;
    const scale = Math.min(1, WIDEST / Math.max(video.videoWidth, video.videoHeight));
    small.width = Math.round(video.videoWidth * scale);
    small.height = Math.round(video.videoHeight * scale);
    sketch.drawImage(video, 0, 0, small.width, small.height);
    const receiver = socket;
    small.toBlob(file => {
      encoding = false;
      if (receiver !== socket || !file) return;
      receiver.send(file);
      sent += 1;
    }, 'image/jpeg', QUALITY);
  }
  next();
}

function next() {
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(send);
  else setTimeout(send, LEAST);
}

function told(answer) {
  if (answer.emotions) return greet(answer);
  answered = Math.max(answered, answer.frame);
  const now = performance.now();
  answers = [...answers.filter(each => each.now > now - RECENT), {now, took: answer.milliseconds}];
  say(answer.problem ?? '', Boolean(answer.problem));
  if (answer.problem) return;
  for (const face of answer.faces) meet(face, now);
  show(now);
}

function greet({emotions, steadiness}) {
  looks = new Map(emotions.map(each => [each.name, each]));
  const chosen = sliders.some(each => each.dataset.chosen);
  for (const slider of sliders) {
    const told = steadiness[slider.name]; // settings reach farther than the slider
    slider.max = Math.max(slider.max, told);
    slider.min = Math.min(slider.min, told);
    if (!chosen) slider.value = told;
    slider.parentElement.querySelector('span').textContent = chosen ? slider.value : told;
  }
  if (chosen) steady();
  for (const person of people.values()) person.card.remove(); // whoever comes now is counted from 1 again
  people.clear();
  wait(false);
  start.textContent = 'Stop';
  next();
}

function steady() {
  const wanted = Object.fromEntries(sliders.map(each => [each.name, Number(each.value)]));
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(wanted));
}

// Faces: a card each, from when it is first seen until its last reading is a minute old

const look = name => looks.get(name) ?? {name, colour: '#5b6ee1', symbol: '✨'};
const percent = share => share > 0 && share < 1 ? `${Math.min(99, Math.max(1, Math.round(100 * share)))}%` : `${Math.round(100 * share)}%`;

function meet(face, now) {
  let person = people.get(face.number);
  if (!person) {
    person = {card: template.content.firstElementChild.cloneNode(true), past: [], rows: new Map()};
    person.card.querySelector('.eyebrow').textContent = `Face ${face.number}`;
    people.set(face.number, person);
    faces.append(person.card);
  }
  Object.assign(person, face, {seen: now});
  person.past.push([now, face.probabilities, face.emotion]);
  person.card.classList.remove('gone');
}

function show(now) {
  let recent = 0;
  for (const [number, person] of people) {
    while (person.past.length && person.past[0][0] < now - MINUTE) person.past.shift();
    if (!person.past.length) {
      person.card.remove();
      people.delete(number);
    } else if (person.seen < now - GONE) dim(person);
    else {
      recent += 1;
      fill(person);
    }
  }
  hint.hidden = people.size > 0;
  draw(now);
  const seconds = Math.min(RECENT, Math.max(1, now - answers[0].now)) / 1000;
  const middle = answers.map(each => each.took).sort((one, other) => one - other)[answers.length >> 1];
  pace.textContent = `${Math.round((answers.length - 1) / seconds)} readings a second, each in ${Math.round(middle)} ms`;
  frame.dataset.readings = answered;
  frame.dataset.faces = recent;
  speak(now);
}

function dim(person) {
  person.card.classList.add('gone');
}

function fill({card, rows, emotion, confidence, probabilities}) {
  const {colour, symbol} = look(emotion);
  card.style.setProperty('--emotion', colour);
  card.querySelector('.symbol').textContent = symbol;
  card.querySelector('.emotion').textContent = emotion;
  card.querySelector('b').textContent = percent(confidence);
  for (const [name, share] of Object.entries(probabilities)) {
    if (!rows.has(name)) rows.set(name, row(card.querySelector('.bars'), name));
    const {bar, value} = rows.get(name);
    bar.style.width = `${(100 * share).toFixed(1)}%`;
    value.textContent = share < 0.005 ? '< 1%' : percent(share);
  }
}

function row(list, name) {
  const item = document.createElement('li'), {colour, symbol} = look(name);
  item.style.setProperty('--emotion', colour);
  item.innerHTML = '<span class="name"><span aria-hidden="true"></span> <b></b></span>' +
    '<span class="track" aria-hidden="true"><span></span></span><span class="value"></span>';
  item.querySelector('.name > span').textContent = symbol;
  item.querySelector('b').textContent = name;
  list.append(item);
  return {bar: item.querySelector('.track > span'), value: item.querySelector('.value')};
}

function speak(now) {
  const first = [...people.values()].find(each => each.seen === now);
  const words = first ? `Face ${first.number}: ${first.emotion}` : 'No face is seen';
  if (words === said[0] || now - said[1] < SPOKEN) return;
  said = [words, now];
  spoken.textContent = words;
}

// The boxes, over a picture that is shown as in a mirror

function draw(now) {
  const {clientWidth: width, clientHeight: height} = video, density = window.devicePixelRatio || 1;
  if (marks.width !== Math.round(width * density) || marks.height !== Math.round(height * density)) {
    marks.width = Math.round(width * density);
    marks.height = Math.round(height * density);
  }
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, width, height);
  for (const person of people.values()) if (person.seen === now) drawBox(person, width, height);
}

function drawBox({number, box, emotion, confidence}, width, height) {
  const [left, top, right, bottom] = [1 - box[2], box[1], 1 - box[0], box[3]];
  const x = left * width, y = top * height, {colour, symbol} = look(emotion);
  pen.lineWidth = 3;
  pen.strokeStyle = pen.fillStyle = colour;
  pen.beginPath();
  pen.roundRect(x, y, (right - left) * width, (bottom - top) * height, 10);
  pen.stroke();
  pen.font = `600 14px ${getComputedStyle(element).fontFamily}`;
  const label = `${number}  ${symbol} ${emotion} ${percent(confidence)}`, long = pen.measureText(label).width + 16;
  const tagX = Math.max(0, Math.min(width - long, x)), tagY = y >= 28 ? y - 28 : Math.min(height - 26, y + 4);
  pen.beginPath();
  pen.roundRect(tagX, tagY, long, 24, 7);
  pen.fill();
  pen.fillStyle = ink(colour);
  pen.fillText(label, tagX + 8, tagY + 17);
}

// Black or white, whichever contrasts more (relative luminance as in WCAG 2).
function ink(colour) {
  const [red, green, blue] = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) ? 'black' : 'white';
}

// The charts: shares upon each other, so that a clear expression fills its chart with its colour

function drawChart({card, past}, now) {
  const canvas = card.querySelector('canvas'), density = window.devicePixelRatio || 1;
  const {clientWidth: width, clientHeight: height} = canvas;
  if (!width) return;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const brush = canvas.getContext('2d');
  brush.scale(density, density);
  const across = time => width * (1 - (now - time) / MINUTE);
  const names = Object.keys(past[past.length - 1][1]);
  for (const run of runs(past)) {
    let below = run.map(() => 0);
    for (const name of names) {
      const above = run.map(([, shares], index) => below[index] + (shares[name] ?? 0));
      brush.fillStyle = look(name).colour;
      brush.beginPath();
      run.forEach(([time], index) => brush.lineTo(across(time), height * (1 - below[index])));
      [...run.keys()].reverse().forEach(index => brush.lineTo(across(run[index][0]), height * (1 - above[index])));
      brush.fill();
      below = above;
    }
  }
  canvas.setAttribute('aria-label', `The last minute: ${summary(past)}`);
}

// Readings that follow each other without a gap.
function runs(past) {
  const found = [];
  past.forEach((reading, index) => {
    if (!index || reading[0] - past[index - 1][0] > GONE) found.push([]);
    found[found.length - 1].push(reading);
  });
  return found;
}

function summary(past) {
  const counts = new Map();
  for (const [, , emotion] of past) counts.set(emotion, (counts.get(emotion) ?? 0) + 1);
  return [...counts].sort((one, other) => other[1] - one[1])
    .map(([emotion, count]) => `${emotion} ${percent(count / past.length)}`).join(', ');
}

setInterval(() => {
  if (!socket) return;
  for (const person of people.values()) if (person.past.length) drawChart(person, performance.now());
}, REDRAWN);

// What a person does

start.addEventListener('click', () => {
  if (start.getAttribute('aria-disabled') !== 'true') camera ? end() : begin();
});
cameras.addEventListener('change', () => {
  const chosen = cameras.value;
  end();
  cameras.value = chosen;
  begin();
});
for (const slider of sliders) {
  slider.addEventListener('input', () => {
    slider.dataset.chosen = true;
    slider.parentElement.querySelector('span').textContent = slider.value;
    steady();
  });
}

// Who leaves the tab is not watched any longer.
new IntersectionObserver(([seen]) => !seen.isIntersecting && !element.offsetParent && camera && end()).observe(frame);

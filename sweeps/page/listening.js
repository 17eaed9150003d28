// The same clip as noisy input, teacher, chosen student and clean speech, with spectrograms on one scale.

const VERSIONS = [
  ["noisy", "Noisy input"],
  ["student", "Student"],
  ["teacher", "Teacher"],
  ["clean", "Clean speech"],
];
const player = { clip: 0, audio: null, position_s: 0, timer: 0 };

function drawListening(container, trial) {
  const room = sweep.listening;
  container.hidden = !frontTrials.length;
  if (container.hidden) return;
  stopPlaying();
  if (!room || !room.clips.length) {
    container.replaceChildren(element("h2", { id: "listening-title" }, "Listen"), paragraph("caption", NO_SOUND));
    return;
  }
  const clip = room.clips[player.clip];
  const tabs = room.clips.map(({ name }, index) =>
    button(
      name,
      () => {
        Object.assign(player, { clip: index, position_s: 0 });
        drawListening(container, trial);
      },
      { "aria-pressed": String(index === player.clip), class: "chip" },
    ),
  );
  const student = trial ? clip.students[trial.number] : null;
  const cards = VERSIONS.filter(([key]) => key === "student" || clip.versions[key]).map(([key, title]) => {
    if (key !== "student") return card(title, clip.versions[key], clip, room);
    return student ? card(`Trial ${trial.number}`, student, clip, room) : silentCard(trial);
  });
  container.replaceChildren(
    element("h2", { id: "listening-title" }, "Listen"),
    element("div", { class: "chips", role: "group", "aria-label": "Clips" }, ...tabs),
    element("div", { class: "cards" }, ...cards),
    paragraph("caption", listeningCaption(room, clip)),
  );
}

function listeningCaption(room, clip) {
  const codec = room.codec === "flac" ? "" : " Sound is MP3, to keep this page light.";
  const scale = `Power from 0 to \u2212${room.range_db} dB under the loudest of the noisy input`;
  const axes = `0 to ${room.sample_rate_hz / 2000} kHz upwards, ${clip.seconds.toFixed(1)} s across`;
  return `${scale}, ${axes}. Another version goes on where the last one stopped.${codec}`;
}

const NO_SOUND = "No point has sound yet: a sweep of speech models records it when it has finished.";

function silentCard(trial) {
  const reason = trial?.kind === "front" ? "it was not recorded." : "only points of the front are kept for listening.";
  const why = trial ? `Trial ${trial.number} has no sound here: ${reason}` : "Select a point to hear it.";
  return element("div", { class: "card silent" }, element("p", {}, why));
}

function card(title, version, clip, room) {
  const audio = element("audio", { src: version.audio, preload: "auto" });
  const picture = element("canvas", { class: "spectrogram", role: "img", "aria-label": `Spectrogram: ${title}` });
  const cursor = element("span", { class: "cursor" });
  const play = button("Play", () => (audio.paused ? startPlaying(audio, play, cursor, clip) : stopPlaying()), {
    "aria-label": `Play ${title}`,
    class: "play",
  });
  audio.addEventListener("ended", () => {
    stopPlaying();
    player.position_s = 0;
  });
  audio.addEventListener("pause", () => {
    play.textContent = "Play";
  });
  const stage = element("div", { class: "stage" }, picture, cursor);
  stage.addEventListener("click", (event) => {
    player.position_s = (event.offsetX / stage.clientWidth) * clip.seconds;
    stopPlaying(false);
    startPlaying(audio, play, cursor, clip);
  });
  paintSpectrogram(picture, version.spectrogram);
  return element(
    "div",
    { class: "card" },
    element("div", { class: "card-head" }, element("h3", {}, title), play),
    stage,
    audio,
  );
}

function startPlaying(audio, play, cursor, clip) {
  stopPlaying();
  player.audio = audio;
  audio.currentTime = Math.min(player.position_s, clip.seconds - 0.05);
  play.textContent = "Stop";
  audio.play().catch((error) => {
    if (error.name !== "AbortError") play.textContent = "Cannot play"; // aborted: another button was quicker
  });
  player.timer = setInterval(() => {
    player.position_s = audio.currentTime;
    cursor.style.left = `${(audio.currentTime / clip.seconds) * 100}%`;
  }, 40);
}

function stopPlaying(keepPosition = true) {
  clearInterval(player.timer);
  if (!player.audio) return;
  if (keepPosition && !player.audio.ended) player.position_s = player.audio.currentTime;
  player.audio.pause();
  player.audio = null;
}

// The grey picture holds decibels; its colours are the page's, so that they follow light and dark.
function paintSpectrogram(canvas, source) {
  const image = new Image();
  image.onload = () => {
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, image.width, image.height);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    for (let index = 0; index < pixels.data.length; index += 4) {
      const colour = heat(pixels.data[index] / 255, dark);
      for (let channel = 0; channel < 3; channel += 1) pixels.data[index + channel] = colour[channel];
    }
    context.putImageData(pixels, 0, 0);
  };
  image.src = source;
}

const HEAT = {
  light: [
    [250, 250, 248],
    [190, 218, 222],
    [84, 158, 168],
    [16, 92, 110],
    [6, 40, 62],
  ],
  dark: [
    [18, 22, 27],
    [14, 58, 76],
    [24, 118, 128],
    [110, 190, 176],
    [236, 246, 226],
  ],
};

function heat(level, dark) {
  const stops = dark ? HEAT.dark : HEAT.light;
  const place = level * (stops.length - 1);
  const index = Math.min(Math.floor(place), stops.length - 2);
  return stops[index].map((from, channel) => from + (stops[index + 1][channel] - from) * (place - index));
}

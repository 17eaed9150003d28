// The same clip as noisy input, students, teacher, models from elsewhere and clean speech, spectrograms on one scale.

import { drawBlind } from "./blind.js";
import { button, choice, element, paragraph } from "./elements.js";
import { playedBy, player, startPlaying, stopPlaying } from "./player.js";
import { paintSpectrogram } from "./spectrogram.js";
import { change, choose, state, theSet } from "./state.js";
import { across, frontTrials, metricOf, sweep } from "./sweep.js";

const NO_SOUND = "No point has sound yet: a sweep of speech models records it when it has finished.";
let blind = false;
let shownReference = "";

export function drawListening(container) {
  container.hidden = !frontTrials.length;
  if (container.hidden) return;
  const room = sweep.listening;
  stopPlaying();
  const title = element("h2", { id: "listening-title" }, "Listen");
  if (!room?.clips.length) {
    container.replaceChildren(title, paragraph("caption", NO_SOUND));
    return;
  }
  const place = Math.min(state.clip, room.clips.length - 1);
  const clip = room.clips[place];
  const [chosen, pinned] = [state.chosen, state.pinned === state.chosen ? null : state.pinned];
  const tabs = room.clips.map(({ name }, index) =>
    button(
      name,
      () => {
        stopPlaying(false); // before it is drawn anew, which would keep the position
        player.position_s = 0;
        change({ clip: index });
      },
      { "aria-pressed": String(index === place), class: "chip" },
    ),
  );
  const soundOf = (trial) => (trial ? clip.students[trial.number] : null);
  const student = (trial, words) => (soundOf(trial) ? card(words, soundOf(trial), clip) : silentCard(trial));
  const cards = [
    card("Noisy input", clip.versions.noisy, clip),
    ...(pinned ? [student(pinned, `Trial ${pinned.number}, pinned`)] : []),
    student(chosen, `Trial ${chosen?.number}`),
    ...(clip.versions.teacher ? [card("Teacher", clip.versions.teacher, clip)] : []),
    ...referenceCards(clip, container),
    ...(clip.versions.clean ? [card("Clean speech", clip.versions.clean, clip)] : []),
  ];
  const abx = element("div", { class: "blind" });
  const both = soundOf(chosen) && soundOf(pinned);
  if (both && blind) drawBlind(abx, clip, pinned, chosen);
  const toggle = () => {
    blind = !blind;
    drawListening(container);
  };
  container.replaceChildren(
    title,
    element(
      "div",
      { class: "chips" },
      element("div", { class: "chips", role: "group", "aria-label": "Clips" }, ...tabs),
      walker(clip),
      both ? button(blind ? "Show who is who" : "Compare blind", toggle) : "",
    ),
    abx,
    both && blind ? "" : element("div", { class: "cards" }, ...cards),
    paragraph("caption", caption(room, clip)),
  );
}

// From one student of the set that can be heard to the next, by size.
function walker(clip) {
  const heard = theSet().front.filter((trial) => clip.students[trial.number]);
  heard.sort((a, b) => metricOf(a, across) - metricOf(b, across));
  if (heard.length < 2) return "";
  const step = (way) => {
    const here = heard.indexOf(state.chosen);
    choose(heard[here < 0 ? 0 : (here + way + heard.length) % heard.length]);
  };
  const words = `${heard.length} students of the set can be heard`;
  return element(
    "span",
    { class: "chips", role: "group", "aria-label": words },
    button("\u2190 smaller", () => step(-1), { class: "quiet" }),
    button("larger \u2192", () => step(1), { class: "quiet" }),
  );
}

function referenceCards(clip, container) {
  const names = Object.keys(clip.references ?? {});
  if (!names.length) return [];
  if (!names.includes(shownReference)) shownReference = names[0];
  const made = card(shownReference, clip.references[shownReference], clip);
  if (names.length > 1) {
    const pick = choice(
      "model from elsewhere",
      names.map((name) => [name, name]),
      shownReference,
      (name) => {
        shownReference = name;
        drawListening(container);
      },
    );
    made.querySelector("h3").replaceChildren(pick);
  }
  return [made];
}

function caption(room, clip) {
  const codec = room.codec === "flac" ? "" : " Sound is MP3, to keep this page light.";
  const scale = `Power from 0 to \u2212${room.range_db} dB under the loudest of the noisy input`;
  const axes = `0 to ${room.sample_rate_hz / 2000} kHz upwards, ${clip.seconds.toFixed(1)} s across`;
  return `${scale}, ${axes}. Another version goes on where the last one stopped.${codec}`;
}

function silentCard(trial) {
  const reason = trial?.kind === "front" ? "it was not recorded." : "only points of the front are kept for listening.";
  const why = trial ? `Trial ${trial.number} has no sound here: ${reason}` : "Select a point to hear it.";
  return element("div", { class: "card silent" }, element("p", {}, why));
}

function card(title, version, clip) {
  const audio = element("audio", { src: version.audio, preload: "auto" });
  const picture = element("canvas", { class: "spectrogram", role: "img", "aria-label": `Spectrogram: ${title}` });
  const cursor = element("span", { class: "cursor" });
  const shows = (share) => {
    cursor.style.left = `${share * 100}%`;
  };
  const play = button("Play", () => {}, { "aria-label": `Play ${title}`, class: "play" });
  playedBy(play, audio, clip, shows);
  const stage = element("div", { class: "stage" }, picture, cursor);
  stage.addEventListener("click", (event) => {
    player.position_s = (event.offsetX / stage.clientWidth) * clip.seconds;
    stopPlaying(false);
    startPlaying(audio, play, clip, shows);
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

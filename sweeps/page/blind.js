// A blind comparison (ABX) of the pinned and the chosen student: X is one of the two, and one says which.

import { button, element, paragraph } from "./elements.js";
import { formatNumber } from "./numbers.js";
import { playedBy, stopPlaying } from "./player.js";

const score = { of: "", right: 0, asked: 0 };

// The chance to get so many right, or more, by guessing alone.
export function chanceOf(right, asked) {
  let [ways, all] = [1, 0];
  for (let hits = 0; hits <= asked; hits += 1) {
    if (hits >= right) all += ways;
    ways = (ways * (asked - hits)) / (hits + 1);
  }
  return all / 2 ** asked;
}

export function drawBlind(container, clip, one, other) {
  const pair = [one, other].map((trial) => trial.number).join(" and ");
  if (score.of !== pair) Object.assign(score, { of: pair, right: 0, asked: 0 });
  const sources = [one, other].map((trial) => clip.students[trial.number].audio);
  const swapped = Math.random() < 0.5; // so that A is not always the pinned one
  const [a, b] = swapped ? [...sources].reverse() : sources;
  const isA = Math.random() < 0.5;
  const status = element("span", { role: "status" }, tally());
  const sound = (name, source) => {
    const audio = element("audio", { src: source, preload: "auto" });
    const play = button(`Play ${name}`, () => {}, { class: "play" });
    playedBy(play, audio, clip);
    return [play, audio];
  };
  const answer = (saysA) => {
    stopPlaying();
    score.asked += 1;
    score.right += saysA === isA ? 1 : 0;
    const was = isA === swapped ? other : one;
    drawBlind(container, clip, one, other);
    container.querySelector("[role=status]").textContent =
      `${saysA === isA ? "Right" : "Wrong"}: X was trial ${was.number}. ${tally()}`;
  };
  container.replaceChildren(
    element("h3", {}, `Blind: which of trial ${pair} is X?`),
    element(
      "div",
      { class: "controls" },
      ...sound("A", a),
      ...sound("B", b),
      ...sound("X", isA ? a : b),
      button("X is A", () => answer(true)),
      button("X is B", () => answer(false)),
      status,
    ),
    paragraph("caption", "A and B are the two students in an order drawn anew for every question."),
  );
}

function tally() {
  if (!score.asked) return "";
  const chance = Math.round(100 * chanceOf(score.right, score.asked));
  return `${formatNumber(score.right)} of ${formatNumber(score.asked)} right; guessing does as well or better in ${chance} % of cases.`;
}

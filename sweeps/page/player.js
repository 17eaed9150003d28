// One sound at a time; another version goes on where the last one stopped.

export const player = { audio: null, position_s: 0, timer: 0 };

// `shows` is called with the share of the clip that has been played.
export function startPlaying(audio, play, clip, shows) {
  stopPlaying();
  player.audio = audio;
  const start_s = Math.min(player.position_s, clip.seconds - 0.05);
  if (audio.currentTime !== start_s) audio.currentTime = start_s; // a seek, even to where it stands
  play.textContent = "Stop";
  audio.play().catch((error) => {
    if (error.name !== "AbortError") play.textContent = "Cannot play"; // aborted: another button was quicker
  });
  player.timer = setInterval(() => {
    player.position_s = audio.currentTime;
    shows(audio.currentTime / clip.seconds);
  }, 40);
}

export function stopPlaying(keepPosition = true) {
  clearInterval(player.timer);
  if (!player.audio) return;
  if (keepPosition) player.position_s = player.audio.ended ? 0 : player.audio.currentTime;
  player.audio.pause();
  player.audio = null;
}

// A button that plays and stops a sound; its words come back when the sound ends.
export function playedBy(play, audio, clip, shows = () => {}) {
  const label = play.textContent;
  play.addEventListener("click", () => (audio.paused ? startPlaying(audio, play, clip, shows) : stopPlaying()));
  audio.addEventListener("ended", () => {
    if (player.audio === audio) stopPlaying(); // else another was begun just as this one ended
  });
  audio.addEventListener("pause", () => {
    play.textContent = label;
  });
}

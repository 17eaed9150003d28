// The sweep as this page knows it, and its trials.

const sweep = JSON.parse(document.getElementById("sweep").textContent);

const trials = sweep.trials.number.map((number, index) => ({
  index,
  id: number,
  number,
  state: sweep.trials.states[sweep.trials.state[index]],
  rank: sweep.trials.rank[index],
  epochs: sweep.trials.epochs[index],
  reason: sweep.trials.reason[number] ?? null,
  run: sweep.trials.run[number] ?? null,
}));
for (const trial of trials) trial.kind = kindOf(trial);

const trialByNumber = new Map(trials.map((trial) => [trial.number, trial]));
const frontTrials = trials.filter((trial) => trial.kind === "front");
const fronts = () => [contenders];
const objectives = sweep.objectives;
const TRIAL_AXIS = { name: "trial", unit: "", goal: null, log: false };
const metrics = new Map([...sweep.metrics, TRIAL_AXIS].map((metric) => [metric.name, metric]));

function kindOf(trial) {
  if (trial.rank === 0) return "front";
  if (trial.state === "COMPLETE") return "dominated";
  return trial.state.toLowerCase();
}

function exportCommand(trial) {
  const number = String(trial.number).padStart(4, "0");
  return `${sweep.export.before}${trial.number}${sweep.export.after}${number}.yaml`;
}

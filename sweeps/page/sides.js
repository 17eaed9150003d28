// The compared sweeps as this page knows them: the points of every front, and whose each is.

const sweep = JSON.parse(document.getElementById("sweep").textContent);
Object.assign(sweep, { references: [], constraints: [], choices: [] });

const sides = sweep.fronts;
const trials = sweep.trials.number.map((number, index) => {
  const side = sweep.trials.side[index];
  const { label: owner, config } = sides[side];
  const known = { index, number, side, config, state: "COMPLETE", kind: "front", rank: 0, reason: null };
  return { ...known, id: `${side}-${number}`, standing: `of ${owner}`, run: sweep.trials.run[index] };
});

const frontTrials = trials;
const fronts = () => sides.map((_, side) => trials.filter((trial) => trial.side === side));
const objectives = sweep.objectives;
const TRIAL_AXIS = { name: "trial", unit: "", goal: null, log: false };
const metrics = new Map([...sweep.metrics, TRIAL_AXIS].map((metric) => [metric.name, metric]));

function exportCommand(trial) {
  const { before, after } = sides[trial.side].export;
  return `${before}${trial.number}${after}${String(trial.number).padStart(4, "0")}.yaml`;
}

// From values to pixels and back, linear or logarithmic.

export function makeScale(domain, range, log) {
  const warp = log ? Math.log10 : (value) => value;
  const unwarp = log ? (value) => 10 ** value : (value) => value;
  const [from, to] = domain.map(warp);
  const slope = (range[1] - range[0]) / (to - from || 1);
  const scale = (value) => range[0] + (warp(value) - from) * slope;
  scale.invert = (pixel) => unwarp(from + (pixel - range[0]) / slope);
  scale.domain = domain;
  scale.range = range;
  scale.log = log;
  scale.holds = (value) => value !== null && value !== undefined && (!log || value > 0);
  scale.inside = (value) => scale.holds(value) && value >= domain[0] && value <= domain[1];
  scale.ticks = (count) => (log ? logTicks(domain, count) : linearTicks(domain, count));
  return scale;
}

// The values' extent with a margin; a single value gets room on both sides.
export function paddedDomain(values, log, share = 0.07) {
  const usable = log ? values.filter((value) => value > 0) : values;
  if (!usable.length) return log ? [1, 10] : [0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const value of usable) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (log) {
    const room = high > low ? (high / low) ** share : 2;
    return [low / room, high * room];
  }
  const room = high > low ? (high - low) * share : Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

function linearTicks([low, high], count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1)
    ticks.push(index * step);
  return ticks;
}

function logTicks([low, high], count) {
  const decades = Math.log10(high / low);
  const mantissas = decades > count ? [1] : decades > count / 2 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  const every = Math.max(1, Math.ceil(decades / count));
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += every) {
    for (const mantissa of mantissas) {
      const tick = mantissa * 10 ** power;
      if (tick >= low && tick <= high) ticks.push(Number(tick.toPrecision(3)));
    }
  }
  return ticks.length >= 2 ? ticks : linearTicks([low, high], count);
}

// The grey picture holds decibels; its colours are the page's, so that they follow light and dark.

export function paintSpectrogram(canvas, source) {
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

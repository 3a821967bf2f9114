import { formatCount, type Html, html } from '@orrery/server'

// Pictures of numbers as SVG, with the classes of the one stylesheet. What they show is also in their description.

/** Bars side by side, the highest as high as the picture. */
export function bars(values: readonly number[], title: string): Html {
  const max = Math.max(1, ...values)
  const width = 100 / Math.max(1, values.length)
  const most = formatCount(Math.max(0, ...values))
  return html`<figure>
    <svg
      class="picture"
      viewBox="0 0 100 20"
      preserveAspectRatio="none"
      role="img"
      aria-label="${title}, at most ${most}"
    >
      ${values.map(
        (value, i) =>
          html`<rect
            class="tip"
            x="${(i * width).toFixed(3)}"
            y="${(20 - (20 * value) / max).toFixed(3)}"
            width="${(width * 0.8).toFixed(3)}"
            height="${((20 * value) / max).toFixed(3)}"
          />`,
      )}
    </svg>
    <figcaption class="lead">${title}; at most ${most}.</figcaption>
  </figure>`
}

/** A few bars in a row of a table. */
export function sparkline(values: readonly number[], title: string): Html {
  const max = Math.max(1, ...values)
  const width = 100 / Math.max(1, values.length)
  return html`<svg
    class="bar"
    viewBox="0 0 100 10"
    preserveAspectRatio="none"
    role="img"
    aria-label="${title}"
  >
    <title>${title}</title>
    ${values.map(
      (value, i) =>
        html`<rect
          class="part"
          x="${(i * width).toFixed(2)}"
          y="${(10 - (10 * value) / max).toFixed(2)}"
          width="${(width * 0.85).toFixed(2)}"
          height="${((10 * value) / max).toFixed(2)}"
        />`,
    )}
  </svg>`
}

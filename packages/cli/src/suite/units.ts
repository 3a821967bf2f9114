/** 1.5 GB, 340 MB, 12 kB. */
export function bytesInWords(bytes: number): string {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`
  if (bytes < 1e9) return `${Math.round(bytes / 1e6)} MB`
  return bytes < 1e11
    ? `${(bytes / 1e9).toFixed(1)} GB`
    : `${Math.round(bytes / 1e9).toLocaleString('en')} GB`
}

/** 1.4 s, 3 min, 2 h, 5 d. */
export function span(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 120) return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** 12, 1,234, 0.4: of a second. */
export function rate(perSecond: number): string {
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en')
}

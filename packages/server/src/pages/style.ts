import { hash } from 'node:crypto'

/** The one stylesheet of all pages. Colours are variables, so that dark is a second set of them and nothing else. */
export const styleSheet = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --raised: #ffffff; --sunken: #f3f1ec; --line: #ddd8ce;
  --ink: #23211d; --quiet: #6a655b; --accent: #8a4b08; --bar: #d9913f; --bar-quiet: #efd3ad;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #191817; --raised: #211f1d; --sunken: #2a2825; --line: #3d3934;
    --ink: #ebe7df; --quiet: #a39c8f; --accent: #f0b264; --bar: #c07d2c; --bar-quiet: #5b4223;
  }
}
*, *::before, *::after { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere; -webkit-text-size-adjust: 100%;
}
a { color: var(--accent); text-underline-offset: .15em; text-decoration-thickness: 1px; text-decoration-color: color-mix(in srgb, currentColor 45%, transparent); }
a:hover { text-decoration-color: currentColor; text-decoration-thickness: 2px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.top, main, .foot { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
.top { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; padding-top: 1.25rem; padding-bottom: .9rem; }
.top strong { font-size: 1.1rem; letter-spacing: -.01em; margin-right: auto; }
.top strong a { color: inherit; text-decoration: none; }
.foot { color: var(--quiet); font-size: .85rem; padding-top: 2rem; padding-bottom: 2.5rem; }
h1 { font-size: 1.65rem; line-height: 1.2; letter-spacing: -.02em; margin: 1.2rem 0 .3rem; }
h2 { font-size: 1.2rem; letter-spacing: -.01em; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .4rem 0 .9rem; max-width: 46rem; }
.lead { color: var(--quiet); }
.big { font-size: 2.6rem; line-height: 1.1; letter-spacing: -.03em; font-weight: 650; margin: .6rem 0 .2rem; font-variant-numeric: tabular-nums; }
code, pre, .mono { font-family: var(--mono); font-size: .875em; unicode-bidi: isolate; }
code { background: var(--sunken); border-radius: 4px; padding: .08em .3em; }
a code { background: none; padding: 0; }
pre { background: var(--sunken); border-radius: 8px; padding: .8rem 1rem; overflow: auto; max-height: 30rem; margin: .6rem 0; white-space: pre-wrap; }
pre code { background: none; padding: 0; font-size: 1em; }
.card { background: var(--raised); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.15rem; margin: .9rem 0; }
.card > :first-child { margin-top: 0; } .card > :last-child { margin-bottom: 0; }
.tag { font: 600 .72rem/1 system-ui, sans-serif; border: 1px solid var(--line); color: var(--quiet); border-radius: 99px; padding: .2rem .5rem; vertical-align: .12em; white-space: nowrap; }
.links { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; padding: 0; margin: .6rem 0; list-style: none; }
.numbers { max-width: 46rem; display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; margin: 1rem 0; padding: 0; }
.numbers div { flex: 1 1 9rem; border-left: 3px solid var(--bar); padding-left: .75rem; }
.numbers dt { color: var(--quiet); font-size: .85rem; }
.numbers dd { margin: 0; white-space: nowrap; font-size: 1.35rem; font-weight: 620; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th { text-align: left; font-weight: 600; color: var(--quiet); font-size: .8rem; border-bottom: 1px solid var(--line); padding: .3rem .9rem .3rem 0; white-space: nowrap; }
td { border-bottom: 1px solid var(--line); padding: .4rem .9rem .4rem 0; vertical-align: top; min-width: 5rem; }
tr:last-child td { border-bottom: 0; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; min-width: 0; }
.bars { width: 24%; }
.bar { display: block; width: 100%; min-width: 6rem; height: 1rem; margin-top: .2rem; background: var(--sunken); border-radius: 3px; }
.bar .part { fill: var(--bar); } .bar .rest { fill: var(--bar-quiet); }
.key { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; background: var(--bar); margin-right: .35rem; }
.key.rest { background: var(--bar-quiet); margin-left: .9rem; }
.picture { display: block; width: 100%; min-width: 28rem; max-width: 46rem; height: auto; font: 13px system-ui, sans-serif; }
.picture .mono { font-size: 12px; }
.picture .box { fill: var(--raised); stroke: var(--line); } .picture .line { stroke: var(--bar); stroke-width: 2; fill: none; }
.picture .tip { fill: var(--bar); } .picture text { fill: var(--ink); } .picture .quiet { fill: var(--quiet); }
form { margin: .6rem 0; }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: .7rem 1rem; align-items: start; }
.fields .wide { grid-column: 1 / -1; }
.fields .many { display: grid; gap: .35rem; max-height: 13rem; overflow: auto; }
label, .label { display: block; font-size: .85rem; font-weight: 600; }
label input, .many { margin-top: .2rem; }
label small, .label small { font-weight: 400; color: var(--quiet); }
label.check { display: flex; gap: .5rem; align-items: center; padding-top: 1.9rem; }
label.check input { margin: 0; }
input:not([type=checkbox]) { width: 100%; font: .9rem var(--mono); color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 6px; padding: .45rem .6rem; }
input::placeholder { color: var(--quiet); opacity: .75; }
button { font: 600 .95rem system-ui, sans-serif; color: var(--ground); background: var(--accent); border: 0; border-radius: 6px; padding: .5rem 1.1rem; margin-top: .8rem; cursor: pointer; }
button:hover { filter: brightness(1.08); }
button[disabled] { background: var(--sunken); color: var(--quiet); cursor: default; filter: none; }
summary { cursor: pointer; color: var(--accent); }
details > summary { margin: .3rem 0; }
.empty { color: var(--quiet); padding: .6rem 0; }
@media (max-width: 40rem) {
  .top, main, .foot { padding-left: 1rem; padding-right: 1rem; }
  .top strong { flex-basis: 100%; }
  label.check { padding-top: 0; }
  .stack, .stack tbody, .stack tr, .stack td { display: block; }
  .stack thead { display: none; }
  .stack tr { border-bottom: 1px solid var(--line); padding: .5rem 0; }
  .stack td { border: 0; padding: .1rem 0; text-align: left; }
  .bars { width: auto; }
  .stack td.number { display: inline-block; margin-right: 1.2rem; }
  .stack td.number::before { content: attr(data-name) " "; color: var(--quiet); font-size: .8rem; }
}
`

/** What a page may do: show itself with this stylesheet and send its forms back to us. Nothing is fetched, nothing runs. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', styleSheet, 'base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

import type { Content, Html } from './html.ts'
import { html, markup } from './html.ts'
import { contentSecurityPolicy, styleSheet } from './style.ts'

export type PageOptions = {
  /** Of the window and in search results; the service's name is put behind it. */
  title: string
  /** The service's name, which leads to `/`. */
  service: string
  /** Shown in the footer. */
  version: string
  /** Where else to go, at the top. */
  nav?: readonly { href: string; text: string }[]
  main: Content
}

/** The headers that every page is sent with. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': contentSecurityPolicy,
  // What somebody looked at is nobody else's business.
  'referrer-policy': 'no-referrer',
}

const style = markup(`<style>${styleSheet}</style>`)

/** A whole page, to be sent with `pageHeaders`. It works without scripts and asks for nothing else. */
export function page({ title, service, version, nav = [], main }: PageOptions): string {
  const document: Html = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title === service ? title : `${title} · ${service}`}</title>
        ${style}
      </head>
      <body>
        <header class="top">
          <strong><a href="/">${service}</a></strong
          >${nav.map(({ href, text }) => html` <a href="${href}">${text}</a>`)}
        </header>
        <main>${main}</main>
        <footer class="foot">Orrery ${version} · <a href="/_health">health</a></footer>
      </body>
    </html> `
  return document.text
}

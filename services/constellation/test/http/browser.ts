import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** A real browser without a window, driven by its debugging protocol. */
export interface Browser extends AsyncDisposable {
  /** Opens an address in a window of this width, without scripts. */
  open(url: string, options?: { width?: number; dark?: boolean }): Promise<BrowserPage>
}

export interface BrowserPage {
  /** What the browser complained of: refused by the page's policy, not found, and the like. */
  readonly complaints: string[]
  readonly address: string
  /** The width that the content needs, pixels: more than the window has means scrolling sideways. */
  contentWidth(): Promise<number>
  /** Clicks the middle of the first element that fits, and waits for the page that it leads to. */
  click(selector: string): Promise<void>
  /** The whole page as PNG. */
  screenshot(): Promise<Buffer>
}

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Where a browser is installed, if one is. */
export function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.flatMap(folder => names.map(name => join(folder, name))).find(path => existsSync(path))
}

export async function openBrowser(path: string): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'browser-'))
  const child = spawn(
    path,
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--hide-scrollbars',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const exited = new Promise(resolve => child.once('exit', resolve))
  const protocol = await connect(await addressOf(child))
  return {
    open: (url, options) => openPage(protocol, url, options),
    async [Symbol.asyncDispose]() {
      child.kill()
      await exited
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.once('exit', code => reject(new Error(`the browser ended with ${code}: ${said}`)))
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const address = /listening on (ws:\S+)/.exec(said)?.[1]
      if (address !== undefined) resolve(address)
    })
  })
}

type Listener = (event: { method: string; params: Record<string, unknown>; sessionId?: string }) => void

interface Protocol {
  send<T>(method: string, params?: object, sessionId?: string): Promise<T>
  readonly listeners: Set<Listener>
}

async function connect(url: string): Promise<Protocol> {
  const socket = new WebSocket(url)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error('the browser cannot be reached')))
  })
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  const listeners = new Set<Listener>()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as { id?: number; result: never; error?: { message: string } }
    if (message.id === undefined) {
      for (const listener of listeners) listener(message as never)
      return
    }
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error) asked?.reject(new Error(message.error.message))
    else asked?.resolve(message.result)
  })
  return {
    listeners,
    send(method, params = {}, sessionId) {
      socket.send(JSON.stringify({ id: ++last, method, params, sessionId }))
      return new Promise((resolve, reject) => waiting.set(last, { resolve, reject }))
    },
  }
}

async function openPage(
  protocol: Protocol,
  url: string,
  { width = 1100, dark = false }: { width?: number; dark?: boolean } = {},
): Promise<BrowserPage> {
  const { targetId } = await protocol.send<{ targetId: string }>('Target.createTarget', {
    url: 'about:blank',
  })
  const attach = { targetId, flatten: true }
  const { sessionId } = await protocol.send<{ sessionId: string }>('Target.attachToTarget', attach)
  const send = <T>(method: string, params?: object): Promise<T> => protocol.send<T>(method, params, sessionId)
  const complaints: string[] = []
  let address = url
  let loaded: (() => void) | undefined
  protocol.listeners.add(({ method, params, sessionId: of }) => {
    if (of !== sessionId) return
    if (method === 'Page.loadEventFired') loaded?.()
    if (method === 'Log.entryAdded') complaints.push((params.entry as { text: string }).text)
    if (method === 'Page.frameNavigated') address = (params.frame as { url: string }).url
  })
  const load = async (start: () => Promise<unknown>): Promise<void> => {
    const done = new Promise<void>(resolve => (loaded = resolve))
    await start()
    await done
  }
  await send('Page.enable')
  await send('Log.enable')
  await send('DOM.enable')
  await send('Emulation.setScriptExecutionDisabled', { value: true })
  await send('Emulation.setDeviceMetricsOverride', {
    width,
    height: 900,
    deviceScaleFactor: 1,
    mobile: false,
  })
  const scheme = { name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }
  await send('Emulation.setEmulatedMedia', { features: [scheme] })
  await load(() => send('Page.navigate', { url }))

  const layout = (): Promise<{ cssContentSize: { width: number; height: number } }> =>
    send('Page.getLayoutMetrics')
  return {
    complaints,
    get address() {
      return address
    },
    contentWidth: async () => (await layout()).cssContentSize.width,
    async click(selector) {
      const { root } = await send<{ root: { nodeId: number } }>('DOM.getDocument')
      const { nodeId } = await send<{ nodeId: number }>('DOM.querySelector', {
        nodeId: root.nodeId,
        selector,
      })
      await send('DOM.scrollIntoViewIfNeeded', { nodeId })
      const { model } = await send<{ model: { content: number[] } }>('DOM.getBoxModel', { nodeId })
      const [left = 0, top = 0, , , right = 0, bottom = 0] = model.content
      const at = { x: (left + right) / 2, y: (top + bottom) / 2, button: 'left', clickCount: 1 }
      await load(async () => {
        await send('Input.dispatchMouseEvent', { type: 'mousePressed', ...at })
        await send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...at })
      })
    },
    async screenshot() {
      const { cssContentSize } = await layout()
      const clip = { x: 0, y: 0, width, height: cssContentSize.height, scale: 1 }
      const { data } = await send<{ data: string }>('Page.captureScreenshot', {
        clip,
        captureBeyondViewport: true,
      })
      return Buffer.from(data, 'base64')
    },
  }
}

/** Where the suite of a demo is reached. */
export interface SuiteUrls {
  /** `ws://host:port/subscribe` */
  jetstream: string
  /** `http://host:port` */
  constellation: string
  /** `ws://host:port/subscribe` */
  spacedust: string
  /** `http://host:port` */
  slingshot: string
  /** `http://host:port` */
  ufos: string
}

/** What the suite of a demo runs on. */
export interface Stage extends AsyncDisposable {
  /** Options that services need for it, by service and name. */
  options?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** In a word or two: "Orrery is running on …". */
  what: string
  /** Where events come from: a `--source`. */
  source: string
  plcUrl: string
  /** Other things to look at: name and URL. */
  places: readonly (readonly [name: string, url: string])[]
  /** What is to be seen below the welcome. */
  below: string
  /** Lets things happen and shows what comes out of the suite, until the signal; answers what it came to. */
  run(suite: SuiteUrls, signal: AbortSignal): Promise<string>
}

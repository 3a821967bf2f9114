// Fails when an import or a dependency goes up or sideways in the layer table of docs/architecture.md.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = dirname(import.meta.dirname)

/** What each package may import of ours. Services may import every package but `cli` and `testnet`. */
const mayImport: Record<string, readonly string[]> = {
  repo: [],
  links: ['repo'],
  hll: [],
  storage: [],
  server: [],
  identity: ['storage'],
  backup: ['storage'],
  firehose: ['repo', 'identity', 'storage', 'server'],
}
const libraries = Object.keys(mayImport)
const services = folders('services')

/** `repo`, `links` and `hll` are pure: bytes in, values out. Hashing and signatures are all they may ask of Node. */
const pure = new Set(['repo', 'links', 'hll'])
const pureBuiltins = new Set(['node:crypto'])

const problems: string[] = []
for (const name of folders('packages')) checkPackage(name, `packages/${name}`)
for (const name of services) checkPackage(name, `services/${name}`)

if (problems.length > 0) {
  console.error(
    `The layer rule is broken (docs/architecture.md, "Layers"):\n${problems.map(p => `  ${p}`).join('\n')}`,
  )
  process.exitCode = 1
} else {
  console.log(`Layers hold: ${folders('packages').length} packages, ${services.length} services.`)
}

function allowed(name: string, folder: string): readonly string[] {
  if (folder.startsWith('services/')) return libraries
  if (name === 'cli') return [...libraries, ...services]
  if (name === 'testnet') return libraries
  return mayImport[name] ?? []
}

function checkPackage(name: string, folder: string): void {
  if (folder.startsWith('packages/') && !mayImport[name] && name !== 'cli' && name !== 'testnet') {
    problems.push(
      `${folder} has no place in the table; give it one in scripts/check-layers.ts and docs/architecture.md`,
    )
  }
  const permitted = new Set(allowed(name, folder))
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    const target = ours(dependency)
    if (target && !permitted.has(target)) problems.push(`${folder}/package.json depends on ${dependency}`)
  }

  for (const file of globSync(`${folder}/src/**/*.{ts,mts}`, { cwd: root })) {
    const isTest = file.endsWith('.test.ts')
    for (const specifier of importsOf(readFileSync(join(root, file), 'utf8'))) {
      const target = ours(specifier)
      // `cli` starts the demo network, and tests may lean on it everywhere; nothing else that runs in production may.
      const testnetFine = target === 'testnet' && (isTest || name === 'cli')
      if (target && target !== name && !permitted.has(target) && !testnetFine) {
        problems.push(`${file} imports ${specifier}`)
      }
      if (specifier.startsWith('.')) {
        const path = relative(join(root, folder), resolve(root, dirname(file), specifier))
        if (path.startsWith('..')) problems.push(`${file} reaches into another package: ${specifier}`)
      }
      if (pure.has(name) && !isTest && specifier.startsWith('node:') && !pureBuiltins.has(specifier)) {
        problems.push(`${file} is in a pure package and imports ${specifier}`)
      }
    }
  }
}

function ours(specifier: string): string | undefined {
  return /^@orrery\/([^/]+)/.exec(specifier)?.[1]
}

function importsOf(source: string): string[] {
  const pattern = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+|\bnew URL\(\s*)['"]([^'"]+)['"]/g
  return Array.from(source.matchAll(pattern), match => match[1] ?? '')
}

function folders(parent: string): string[] {
  return globSync(`${parent}/*/package.json`, { cwd: root }).map(path => path.split('/')[1] ?? '')
}

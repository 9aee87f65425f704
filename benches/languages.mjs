// Compares plugins in every language with what a user would pick instead: jobs/s and
// CPU time per job of the worker's process tree, with a fresh instance for each job and
// with `reuse = 100`, for a handler that does nothing and one that makes 2 KB of JSON
// into another shape.
//
//   node benches/languages.mjs [--runs 3] [--guests quickjs,python] [--jobs 10000]
//                              [--modes fresh,reuse] [--handlers noop,transform]
//                              [--runner target/release/runner] [--plugins DIR] [--threads N]
//
// `make bench` calls this after bench.mjs. The guests are the projects in languages/,
// built by `runner build` unless --plugins has them. Each figure is the median of the
// runs, and those of the workers are interleaved. Writes target/bench-languages.json.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { order } from './languages/payload.mjs'
import { drain, seedOf } from './drain.mjs'
import { QUEUE, here, median, scratch, target } from './shared.mjs'

const CONCURRENCY = 10
// Jobs before what is measured.
const WARM = 500

const { values: args } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    guests: { type: 'string', default: 'quickjs,starlingmonkey,python,go,c,command' },
    modes: { type: 'string', default: 'fresh,reuse' },
    handlers: { type: 'string', default: 'noop,transform' },
    jobs: { type: 'string', default: '10000' },
    runner: { type: 'string', default: join(target, 'release/runner') },
    plugins: { type: 'string' },
    threads: { type: 'string' },
  },
})
const runs = Number(args.runs)
const binary = resolve(args.runner)
const python = process.env.BENCH_PYTHON ?? join(target, 'tools/bin/python')
const threads = args.threads ? `[runtime]\nthreads = ${args.threads}\n` : ''

// The peer of a language: what a user would run the same handler in.
const PEERS = { python: 'pypi-bullmq' }
const peer = guest => PEERS[guest] ?? 'npm-bullmq-sandboxed'
// Fewer jobs for the slow: a run should take seconds, not minutes.
const SLOW = new Set(['starlingmonkey', 'python', 'go', 'pypi-bullmq', 'npm-bullmq-sandboxed'])
// A program is started anew for each job.
const modesOf = guest => args.modes.split(',').filter(mode => mode === 'fresh' || guest !== 'command')

function built(guest) {
  const name = `bench-${guest}`
  if (args.plugins) return join(resolve(args.plugins), `${name}.wasm`)
  const out = join(target, 'bench-languages')
  const project = join(here, 'languages', guest)
  if (guest === 'command') {
    const program = join(out, `${name}.wasm`)
    mkdirSync(out, { recursive: true })
    const argv = ['-m', 'ziglang', 'cc', '-target', 'wasm32-wasi', '-O2', '-s', join(project, 'main.c'), '-o', program]
    execFileSync(python, argv, { stdio: 'inherit' })
    return program
  }
  if (existsSync(join(project, 'package.json'))) execFileSync('npm', ['ci', '--silent'], { cwd: project })
  execFileSync(binary, ['build', project, '--out', out], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, RUNNER_TOOLS: [process.env.RUNNER_TOOLS, join(target, 'tools/bin')].filter(Boolean).join(':') },
  })
  return join(out, `${name}.wasm`)
}

// A Runner with this guest, as a worker is started.
function runner(guest, mode) {
  const wasm = built(guest)
  return url => {
    const dir = join(scratch, `${guest}-${mode}`)
    mkdirSync(join(dir, 'plugins'), { recursive: true })
    copyFileSync(wasm, join(dir, 'plugins/bench.wasm'))
    const reuse = mode === 'reuse' ? 'reuse = 100\n' : ''
    writeFileSync(
      join(dir, 'queues.toml'),
      `[redis]\nurl = "${url}"\n${threads}[queues.${QUEUE}]\nplugin = "bench"\nconcurrency = ${CONCURRENCY}\n${reuse}`,
    )
    // A plugin is compiled once in its life; that is not part of a job.
    execFileSync(binary, ['--config', join(dir, 'queues.toml'), 'check'], { stdio: 'ignore' })
    return [binary, ['--config', join(dir, 'queues.toml'), 'serve'], { RUST_LOG: 'error' }]
  }
}

const peers = {
  'npm-bullmq-sandboxed': () => [process.execPath, [join(here, 'workers/npm.mjs')], { SANDBOXED: '1' }],
  'pypi-bullmq': () => [python, [join(here, 'workers/pypi.py')], {}],
}

const guests = args.guests.split(',')
const workers = [
  ...guests.flatMap(guest => modesOf(guest).map(mode => ({ name: guest, mode, command: runner(guest, mode) }))),
  ...[...new Set(guests.map(peer))].map(name => ({ name, mode: '', command: peers[name] })),
]
const samples = new Map()
for (let run = 0; run < runs; run++) {
  for (const handler of args.handlers.split(',')) {
    for (const { name, mode, command } of workers) {
      const jobs = WARM + Math.ceil(Number(args.jobs) / (SLOW.has(name) && mode !== 'reuse' ? 5 : 1))
      const seed = await seedOf(jobs, handler, handler === 'transform' ? order : {})
      const sample = await drain(name, command, CONCURRENCY, jobs, seed, WARM)
      const key = [handler, name, mode].join(' ')
      samples.set(key, [...(samples.get(key) ?? []), sample])
      console.error(`run ${run + 1}/${runs}  ${key}: ${Math.round(sample.jobs_per_s)} jobs/s, ${Math.round(sample.worker_cpu_us)} µs`)
    }
  }
}

const figure = (key, name) => median(samples.get(key).map(sample => sample[name]))
const rows = args.handlers.split(',').flatMap(handler =>
  workers.map(({ name, mode }) => {
    const key = [handler, name, mode].join(' ')
    const other = [handler, peer(name), ''].join(' ')
    const ratio = of => (mode ? Number((figure(key, of) / figure(other, of)).toFixed(2)) : '')
    return {
      handler,
      worker: name,
      instance: mode,
      jobs_per_s: Math.round(figure(key, 'jobs_per_s')),
      worker_cpu_us: Math.round(figure(key, 'worker_cpu_us')),
      x_peer_jobs: ratio('jobs_per_s'),
      x_peer_cpu: ratio('worker_cpu_us'),
      rss_mib: Math.round(figure(key, 'rss_mib')),
    }
  }),
)
writeFileSync(join(target, 'bench-languages.json'), JSON.stringify({ rows }, null, 2) + '\n')
console.table(rows)

// Compares the text that document-processor reads from PDF with that of pdftotext, on the
// PDFs that packages of PyPI ship as their own test data:
//
//   words    mean recall and precision of words, of files in which pdftotext finds over 20
//   time     CPU of both programs, a process for each file
//   memory   every file as a job in Runner's sandbox: none traps with 256 MiB
//
//   node benches/documents.mjs [--list] [--write]
//
// `make documents` builds everything and calls this. --list names the files that differ,
// --write puts the table into the plugin's README. Exits with 1 if a figure is not as
// required.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const PACKAGES = ['pypdf==7.1.1', 'pypdfium2==5.15.2', 'pdftotext==4.0.0', 'tabula-py==2.10.0', 'rst2pdf==0.105', 'img2pdf==0.6.3']
// pdftotext must find more words than this: of fewer, one is too large a share.
const WORDS = 20
const REQUIRED = { recall: 0.99, precision: 0.99, cpu: 1.5 }

const { values: args } = parseArgs({ options: { list: { type: 'boolean' }, write: { type: 'boolean' } } })
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const target = resolve(process.env.CARGO_TARGET_DIR ?? join(root, 'target'))
const program = join(target, 'release/examples/text')
const runner = join(target, 'debug/runner')
const readme = join(root, 'plugins/document-processor/README.md')

// The PDFs of the packages, which are fetched once.
function corpus() {
  const dir = join(target, 'documents')
  mkdirSync(dir, { recursive: true })
  for (const name of PACKAGES) {
    const into = join(dir, name)
    if (existsSync(into)) continue
    const fetched = mkdtempSync(join(dir, 'fetch-'))
    execFileSync(join(target, 'tools/bin/pip'), ['download', '-q', '--disable-pip-version-check', '--no-deps', '--no-binary', ':all:', '-d', fetched, name])
    mkdirSync(`${into}.new`, { recursive: true })
    for (const file of readdirSync(fetched)) execFileSync('tar', ['xf', join(fetched, file), '-C', `${into}.new`])
    rmSync(fetched, { recursive: true })
    execFileSync('mv', [`${into}.new`, into])
  }
  return PACKAGES.flatMap(name =>
    readdirSync(join(dir, name), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.pdf$/i.test(entry.name))
      .map(entry => join(entry.parentPath, entry.name))
      .sort(),
  )
}

// How often each word is in a text: letters and digits, ligatures and wide forms as
// the letters they stand for.
function words(text) {
  const counts = new Map()
  for (const [word] of text.normalize('NFKC').matchAll(/[\p{L}\p{M}\p{N}]+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
const total = counts => [...counts.values()].reduce((sum, count) => sum + count, 0)

function run(...argv) {
  const { status, stdout, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8', maxBuffer: 1 << 28 })
  return { status, text: stdout, reason: stderr }
}

// The CPU seconds of a program, a process for each file.
function cpu(files, ...argv) {
  const each = 'for file; do "${program[@]/FILE/$file}" >/dev/null 2>&1; done; times'
  const script = `program=(${argv.map(part => `'${part}'`).join(' ')}); ${each}`
  const last = execFileSync('bash', ['-c', script, 'bash', ...files], { encoding: 'utf8' }).trim().split('\n').at(-1)
  return [...last.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, seconds]) => sum + 60 * minutes + Number(seconds), 0)
}

// Every file as a job with the limits of queues.toml: it ends as outside of the sandbox.
function jobs(files, outcomes) {
  const dir = mkdtempSync(join(tmpdir(), 'runner-documents-'))
  try {
    const cases = files.map((file, index) => {
      copyFileSync(file, join(dir, `${index}.pdf`))
      const data = `{ documentId = "d", userId = "u", filename = "${index}.pdf", mimeType = "application/pdf", fileSize = ${statSync(file).size} }`
      return `[[case]]\nname = ${JSON.stringify(file)}\njob = "process-document"\ndata = ${data}\nexpect = { outcome = "${outcomes[index]}" }\n`
    })
    const queues = readFileSync(join(root, 'queues.toml'), 'utf8')
      .replaceAll('"data/documents"', JSON.stringify(dir))
      .replace('plugins = "plugins"', `plugins = ${JSON.stringify(join(root, 'plugins'))}`)
      .replace('contracts = "wit"', `contracts = ${JSON.stringify(join(root, 'wit'))}`)
    writeFileSync(join(dir, 'queues.toml'), queues)
    writeFileSync(join(dir, 'cases.toml'), `plugin = "document-processor"\n\n${cases.join('\n')}`)
    const { status, text, reason } = run(runner, '--config', join(dir, 'queues.toml'), 'test', join(dir, 'cases.toml'))
    return status === 0 ? '' : `${text}${reason}`
  } finally {
    rmSync(dir, { recursive: true })
  }
}

const files = corpus()
const rows = []
const outcomes = []
for (const file of files) {
  const theirs = run('pdftotext', file, '-')
  const ours = run(program, file)
  outcomes.push(ours.status === 0 ? 'completed' : 'rejected')
  const [expected, found] = [words(theirs.text), words(ours.text)]
  const common = [...expected].reduce((sum, [word, count]) => sum + Math.min(count, found.get(word) ?? 0), 0)
  if (total(expected) <= WORDS) continue
  rows.push({ file, recall: common / total(expected), precision: common / (total(found) || 1) })
}
const mean = key => rows.reduce((sum, row) => sum + row[key], 0) / rows.length
if (args.list) {
  for (const row of rows.toSorted((a, b) => a.recall + a.precision - b.recall - b.precision)) {
    if (Math.min(row.recall, row.precision) < 0.99) console.log(row.recall.toFixed(3), row.precision.toFixed(3), row.file)
  }
}
const time = [cpu(files, program, 'FILE'), cpu(files, 'pdftotext', 'FILE', '-')]
const failed = jobs(files, outcomes)
const exact = rows.filter(row => row.recall === 1 && row.precision === 1).length
const table = [
  '| | |',
  '|---|---|',
  `| PDFs, and those with over ${WORDS} words | ${files.length}, ${rows.length} |`,
  `| mean recall of words | ${mean('recall').toFixed(4)} |`,
  `| mean precision of words | ${mean('precision').toFixed(4)} |`,
  `| with the same words as pdftotext | ${exact} |`,
  `| CPU of the library, native, to that of pdftotext | ${time[0].toFixed(2)} s to ${time[1].toFixed(2)} s |`,
  `| jobs in the sandbox with 256 MiB that ended otherwise than outside | ${failed ? 'some' : 0} |`,
].join('\n')
console.log(table)
if (args.write) {
  const [before, rest] = readFileSync(readme, 'utf8').split('<!-- table -->\n')
  writeFileSync(readme, `${before}<!-- table -->\n${table}\n${rest.slice(rest.indexOf('\n\n') + 1)}`)
}
const failures = [
  mean('recall') < REQUIRED.recall && `recall is below ${REQUIRED.recall}`,
  mean('precision') < REQUIRED.precision && `precision is below ${REQUIRED.precision}`,
  time[0] > time[1] * REQUIRED.cpu && `it takes over ${REQUIRED.cpu} times the CPU of pdftotext`,
  failed && `jobs ended otherwise than outside of the sandbox:\n${failed}`,
].filter(Boolean)
for (const failure of failures) console.error(`documents: ${failure}`)
process.exit(failures.length > 0 ? 1 : 0)

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ServerCertificate } from '../../../service/credentials/server-certificate.ts'
import { makeAuthority, type TestCertificate } from '../../support/make-certificate.ts'

const authority = makeAuthority()
const first = authority.issue()
const second = authority.issue()

/** Files of a pair, and what was told of them. */
async function filesOf(t: Test, { certificate, key }: TestCertificate, nowMs = Date.now) {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-tls-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const files = {
    certificateFile: join(folder, 'tls.crt'),
    keyFile: join(folder, 'tls.key'),
    clientAuthorityFile: join(folder, 'ca.crt'),
  }
  await writeFile(files.certificateFile, certificate)
  await writeFile(files.keyFile, key)
  await writeFile(files.clientAuthorityFile, authority.certificate)
  const told: string[] = []
  const open = async () => {
    const opened = await ServerCertificate.open(files, {
      nowMs,
      onBroken: ({ message }) => void told.push(message),
      onRenewed: () => void told.push('renewed'),
    })
    t.teardown(() => opened.close())
    return opened
  }
  return { files, told, open }
}

t.test('a new pair is handed on, the same one is not', async (t) => {
  const { files, told, open } = await filesOf(t, first)
  const certificate = await open()
  const heard: string[] = []
  const stop = certificate.onChange((pair) => void heard.push(pair.certificate.toString()))
  await certificate.look()
  t.strictSame([heard, told], [[], []])
  await writeFile(files.certificateFile, second.certificate)
  await writeFile(files.keyFile, second.key)
  await certificate.look()
  t.strictSame([heard, told], [[second.certificate], ['renewed']])
  t.equal(certificate.pair.key.toString(), second.key)
  await writeFile(files.clientAuthorityFile, makeAuthority().certificate)
  await certificate.look()
  t.strictSame(told, ['renewed', 'renewed'], 'also of the authority alone')
  stop()
  await writeFile(files.certificateFile, first.certificate)
  await writeFile(files.keyFile, first.key)
  await certificate.look()
  t.equal(heard.length, 2)
})

t.test('a pair that is being replaced is waited for', async (t) => {
  const { files, told, open } = await filesOf(t, first)
  const certificate = await open()
  await writeFile(files.certificateFile, second.certificate)
  await certificate.look()
  t.equal(certificate.pair.certificate.toString(), first.certificate)
  await writeFile(files.keyFile, second.key)
  await certificate.look()
  t.strictSame(told, ['renewed'])
})

t.test('a pair that stays broken is told once, and the old one kept', async (t) => {
  const { files, told, open } = await filesOf(t, first)
  const certificate = await open()
  const spoil = async (file: string, text: string) => {
    await writeFile(file, text)
    for (let look = 0; look < 3; look++) await certificate.look()
  }
  await spoil(files.keyFile, second.key)
  await spoil(files.keyFile, 'no key')
  await spoil(files.certificateFile, 'no certificate')
  await rm(files.certificateFile)
  for (let look = 0; look < 3; look++) await certificate.look()
  t.equal(certificate.pair.certificate.toString(), first.certificate)
  t.match(told, [
    /tls\.key is not the key of .+tls\.crt; /,
    /tls\.key is not the key of .+tls\.crt; /,
    /tls\.crt holds no PEM certificate; /,
    /tls\.crt of SPILLWAY_TLS_CERT_FILE cannot be read \(ENOENT\); /,
  ])
  t.equal(told.length, 4)
  await writeFile(files.certificateFile, second.certificate)
  await writeFile(files.keyFile, second.key)
  await certificate.look()
  t.equal(told.at(-1), 'renewed')
})

t.test('files that are no good are refused at the start, by name', async (t) => {
  const ended = authority.issue({ endsMs: Date.parse('2026-01-02T03:04:05Z') })
  const { files, open } = await filesOf(t, ended)
  await t.rejects(open(), { code: 'unavailable', message: /tls\.crt ended at 2026-01-02T03:04:05/ })
  await writeFile(files.certificateFile, second.certificate)
  await t.rejects(open(), { code: 'unavailable', message: /is not the key of/ })
  await writeFile(files.keyFile, second.key)
  await writeFile(files.clientAuthorityFile, 'no authority')
  await t.rejects(open(), { code: 'unavailable', message: /ca\.crt holds no PEM certificate/ })
  await rm(files.clientAuthorityFile)
  await t.rejects(open(), { message: /ca\.crt of SPILLWAY_TLS_CLIENT_CA_FILE cannot be read/ })
})

t.test('it says when it ends', async (t) => {
  const endsMs = Date.parse('2031-01-02T03:04:05Z')
  const { open } = await filesOf(t, authority.issue({ endsMs }))
  t.equal((await open()).endsMs, endsMs)
})

// An Arrow stream in a page: counts rows while they come and shows the first ones. See serve.mjs.
const form = document.querySelector('form')
const output = document.querySelector('output')
const first = document.querySelector('pre')

async function read(request) {
  const answer = await fetch('v1/read', { method: 'POST', body: JSON.stringify(request) })
  if (!answer.ok) throw new Error((await answer.json()).error.message)
  let rows = 0
  for await (const batch of await Arrow.RecordBatchReader.from(answer)) {
    if (rows === 0) first.textContent = batch.slice(0, 20).toArray().join('\n')
    rows += batch.numRows
    output.value = rows
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  const filled = [...new FormData(form)].filter(([, text]) => text !== '')
  read(Object.fromEntries(filled)).catch((error) => {
    output.value = error.message
  })
})

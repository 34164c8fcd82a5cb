// Loaded before a gateway: a programming error that nobody catches, on demand.
process.on('SIGUSR2', () => {
  throw new Error('planted by a test')
})

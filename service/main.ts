#!/usr/bin/env node
// The AWS SDK's warning that its versions of 2027 will need Node 22: ours is pinned to one that does not.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

const { runCommand } = await import('./command/command-line.ts')

process.exitCode = await runCommand(process.argv.slice(2), process.env)

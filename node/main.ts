/**
 * The program `ringlet`. What it compiles is kept for the next run: a command is over in less time than it takes to read
 * its sources.
 */
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { runCommand } = await import('./cli.ts')
process.exitCode = await runCommand(process.argv.slice(2))

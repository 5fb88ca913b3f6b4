/**
 * Golden stories: a script, and what came of it, in words that a person reads.
 *
 * A test that asserts a result says that it is right, and not how it came about; and how it came about (who minted, who
 * was asked, who stood in, who was told behind the scenes) is what a Dynamo is. So a story plays a script with real
 * peers, and keeps all that they said of it. Change the code, run with `UPDATE=1`, and the diff of the stories is the
 * change of behaviour, to be read and judged like code.
 *
 *     # An owner is down: the write still succeeds, and a fallback holds a hint.
 *     ring peers=a,b,c,d,e n=3 w=2 r=2     a, b and c own every key; d and e stand in for them, in turn
 *     crash b                              the process is killed (unplug: the power goes, and nobody is told)
 *     put via=a colour=green
 *     ---
 *     — b is killed                        the world's doing
 *
 *     a mints colour (a,1)                 what a peer says: this is the first write of colour that a minted
 *     a → c replicate colour (a,1)    ✓    a asked c, and this came of it
 *     put colour=green ⇒ ok (a,1), acks a c     what the application was told
 *
 * Each command waits for its answer and a moment longer, for what goes on behind it; what waits for somebody who is
 * away needs a `wait`. A put `by=ann` is made with the context of what Ann last read or wrote of the key, wherever that
 * was; a put by nobody is blind. An `edge` is a tab, which keeps what it follows and what it wrote. `look` reads the
 * disks. `add`, `remove` and `items` treat a key as a shopping cart. `show clocks` tells contexts too, and `show gossip`
 * what peers think of each other. `enter`, `leave`, `evict` and `weigh` change a ring by a change that its members must agree to,
 * and `owners` asks each of them who owns the keys. Remarks are told as they stand. The usage of every command is in `script.ts`.
 */
import { requests } from './requests.ts'
import { type Act, openPlay } from './play.ts'
import type { Story, Verb } from './script.ts'
import { deeds } from './deeds.ts'

const acts: Readonly<Record<Verb, Act>> = { ...deeds, ...requests }

/** Plays the script of a story, and tells what happened. Rejects with the line that could not be played. */
export async function playStory({ commands }: Story): Promise<string> {
  const play = await openPlay(commands.find(({ verb }) => verb === 'ring')!.given)
  for (const [i, { verb, line, given }] of commands.entries()) {
    // A remark introduces what follows, and a look belongs to what came before.
    if (verb !== 'look' && commands[i - 1]?.verb !== '#') play.telling.pause()
    try {
      await acts[verb](play, given)
    } catch (cause) {
      throw new Error(`line ${line}: ${(cause as Error).message}`, { cause })
    }
  }
  return play.telling.text()
}

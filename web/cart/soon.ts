/** What follows the first picture at once: the words for what goes wrong, and for who does not see the page. */
import { makeAnnouncer } from './announcements.ts'
import type { LazyParts } from './shown.ts'
import { Trouble } from './trouble-box.tsx'

export const parts: LazyParts = {
  Trouble,
  announce: makeAnnouncer((words) => {
    document.getElementById('spoken')!.textContent = words
  }),
}

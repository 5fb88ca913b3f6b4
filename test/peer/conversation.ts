/** What an edge and the members say to each other from now on, and what of it never leaves. */
import type { Edge } from '../../src/peer/edge.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import { decodeReply, decodeRequest, type Reply, type Request } from '../../src/protocol/message.ts'

export interface Said {
  readonly to: string
  readonly request: Request
  /** Undefined as long as there is none. */
  readonly reply: Reply | undefined
}

/** Requests in the order in which they are asked, each with its reply as soon as it is there. */
export function conversationOf(edge: Edge): Said[] {
  const said: { to: string; request: Request; reply: Reply | undefined }[] = []
  const { transport } = edge.world
  const request = transport.request.bind(transport)
  transport.request = async (to, body, how) => {
    const each: (typeof said)[number] = { to, request: decodeRequest(body), reply: undefined }
    said.push(each)
    const reply = await request(to, body, how)
    each.reply = decodeReply(reply)
    return reply
  }
  return said
}

/** Requests of which `isLost` holds never leave this edge; the returned function ends that. */
export function lose(edge: Edge, isLost: (request: Request, to: string) => boolean): () => void {
  const { transport } = edge.world
  const request = transport.request.bind(transport)
  transport.request = async (to, body, how) => {
    if (isLost(decodeRequest(body), to)) throw new TransportError('unreachable', false)
    return request(to, body, how)
  }
  return () => {
    transport.request = request
  }
}

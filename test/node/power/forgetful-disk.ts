/**
 * A disk that forgets what was not synced: files, folders, and a power cut.
 *
 * It keeps to what POSIX promises and to no more. A file's bytes last once the file is synced; its name lasts once its
 * folder is, however often the file itself was. A name that was made, moved or taken away since the folder's last sync may
 * be found either way after a cut. (Common file systems are kinder: their journal often takes a name along with somebody
 * else's sync. A store that leans on this loses data on the next file system.)
 */
import { constants } from 'node:os'
import { ForgetfulFile, type Luck } from './forgetful-file.ts'
import { ForgetfulFolder } from './forgetful-folder.ts'

export type Inode = number
export const rootInode: Inode = 1

interface FileNode {
  readonly mode: number
  readonly path: string
  readonly file: ForgetfulFile
  readonly folder?: never
}

interface FolderNode {
  readonly mode: number
  readonly path: string
  readonly folder: ForgetfulFolder
  readonly file?: never
}

export type DiskNode = FileNode | FolderNode

/** What a system call answers when it cannot: an `errno`. */
export class DiskError extends Error {
  readonly errno: number

  constructor(code: keyof typeof constants.errno) {
    super(code)
    this.errno = constants.errno[code]
  }
}

export class ForgetfulDisk {
  readonly #nodes = new Map<Inode, DiskNode>()
  #last: Inode = rootInode

  constructor() {
    this.#nodes.set(rootInode, { mode: 0o755, path: '', folder: new ForgetfulFolder() })
  }

  node(inode: Inode): DiskNode {
    const node = this.#nodes.get(inode)
    if (node === undefined) throw new DiskError('ENOENT')
    return node
  }

  file(inode: Inode): ForgetfulFile {
    const { file } = this.node(inode)
    if (file === undefined) throw new DiskError('EISDIR')
    return file
  }

  folder(inode: Inode): ForgetfulFolder {
    const { folder } = this.node(inode)
    if (folder === undefined) throw new DiskError('ENOTDIR')
    return folder
  }

  /** `/peer-1/store.db`: where it was made. */
  path(folder: Inode, name: string): string {
    return `${this.node(folder).path}/${name}`
  }

  lookUp(folder: Inode, name: string): Inode {
    const inode = this.folder(folder).get(name)
    if (inode === undefined) throw new DiskError('ENOENT')
    return inode
  }

  makeFile(folder: Inode, name: string, mode: number): Inode {
    const path = this.path(folder, name)
    return this.#make(folder, name, { mode, path, file: new ForgetfulFile() })
  }

  makeFolder(folder: Inode, name: string, mode: number): Inode {
    const path = this.path(folder, name)
    return this.#make(folder, name, { mode, path, folder: new ForgetfulFolder() })
  }

  link(folder: Inode, name: string, inode: Inode): void {
    if (this.folder(folder).get(name) !== undefined) throw new DiskError('EEXIST')
    this.folder(folder).change([name, inode])
  }

  unlink(folder: Inode, name: string): void {
    const inode = this.lookUp(folder, name)
    if ((this.node(inode).folder?.size ?? 0) > 0) throw new DiskError('ENOTEMPTY')
    this.folder(folder).change([name, undefined])
  }

  /** Within one folder, where it happens as a whole or not at all. */
  rename(folder: Inode, name: string, toFolder: Inode, toName: string): void {
    if (folder !== toFolder) throw new DiskError('EXDEV')
    const inode = this.lookUp(folder, name)
    this.#nodes.set(inode, { ...this.node(inode), path: this.path(folder, toName) })
    this.folder(folder).change([name, undefined], [toName, inode])
  }

  sync(inode: Inode): void {
    const { file, folder } = this.node(inode)
    if (file === undefined) folder.sync()
    else file.sync()
  }

  failSync(inode: Inode, luck: Luck): void {
    const { file, folder } = this.node(inode)
    if (file === undefined) folder.failSync(luck)
    else file.failSync(luck)
  }

  /** A disk with what is left of this one when the power goes now. */
  afterCut(luck: Luck): ForgetfulDisk {
    const left = new ForgetfulDisk()
    const moved = new Map<Inode, Inode>([[rootInode, rootInode]])
    const walk = (inode: Inode): void => {
      const names = this.folder(inode).afterCut(luck)
      for (const [name, child] of names) {
        const known = moved.get(child)
        const target = known ?? left.#take(this.node(child), this.path(inode, name), luck)
        left.folder(moved.get(inode)!).change([name, target])
        moved.set(child, target)
        if (known === undefined && this.node(child).folder !== undefined) walk(child)
      }
      left.sync(moved.get(inode)!)
    }
    walk(rootInode)
    return left
  }

  #take({ mode, file }: DiskNode, path: string, luck: Luck): Inode {
    this.#nodes.set(
      ++this.#last,
      file === undefined
        ? { mode, path, folder: new ForgetfulFolder() }
        : { mode, path, file: new ForgetfulFile(file.afterCut(luck)) },
    )
    return this.#last
  }

  #make(folder: Inode, name: string, node: DiskNode): Inode {
    if (this.folder(folder).get(name) !== undefined) throw new DiskError('EEXIST')
    this.#nodes.set(++this.#last, node)
    this.folder(folder).change([name, this.#last])
    return this.#last
  }
}

type Pem = string | Buffer

/** Whom a client trusts, and what it shows. All is PEM itself, not names of files. */
export interface ClientTls {
  /** Who signed the certificates of servers. @default the authorities that Node knows */
  readonly ca?: Pem
  /** What is shown to servers that ask for it. */
  readonly cert?: Pem
  readonly key?: Pem
  /** The name that a server's certificate must have. @default the host that is asked */
  readonly servername?: string
}

/** Database interface: what the journal needs of an SQL driver. Knows no table. */

export type Cell = null | number | bigint | string | Uint8Array;
export type Row = readonly Cell[];
export type Param = null | number | string;

/** A prepared statement: rows are arrays, in the order of the columns. */
export interface Statement {
  get(...params: readonly Param[]): Row | undefined;
  all(...params: readonly Param[]): readonly Row[];
  /** The number of rows changed. */
  run(...params: readonly Param[]): number;
}

export interface Database {
  /** Absolute path. */
  readonly file: string;
  readonly readOnly: boolean;
  /** The statement of this text: prepared at first use and kept. */
  sql(text: string): Statement;
  /** Runs several statements without parameters. */
  exec(text: string): void;
  /** Runs `work` as one transaction that holds the right to write from its start; undone when `work` throws. */
  transaction<T>(work: () => T): T;
  /**
   * To be called before a transaction that adds about `bytes`: shortens the log when it is long. Unlike what the driver does
   * by itself after a commit, this throws when the system fails.
   */
  makeRoom(bytes: number): void;
  /** Whether the file is still where it was opened: what is written to a removed one is lost. */
  isInPlace(): boolean;
  /** Copies everything to `path` as of one moment, beside the thread of this program. */
  copyTo(path: string): Promise<void>;
  close(): void;
}

/**
 * Code cache: loads the bundled command with the code that V8 compiled for it in an earlier start. Node's own compile cache
 * is written from what was compiled while a module loaded; this one is taken at exit, so that it also holds the functions
 * that the command called. Measured, a start takes a quarter less time. Knows no command.
 *
 * Invariants:
 *  1. Code is used for the bundle alone that it was compiled from: V8 compares no more than the length of a source, so the
 *     cache names its build (a digest of the bundle's content), and each module's time and size.
 *  2. A cache that is missing, damaged, of another build or writable by others is not used, and is no error: the source is.
 *  3. A cache is complete or absent: it is synced, then renamed to its place. V8 does not check what it is given.
 */
"use strict";

const fs = require("fs");
const path = require("path");
const vm = require("vm");

const MAGIC = "heddle-code-1";

/** Caches that are kept: one for each command and build, of about 1 MB. */
const MAX_FILES = 60;

/** Starts after which a cache is taken to hold what the command calls. */
const SETTLED = 2;

const ALIGNMENT = 8;

/** The module that imports users' modules: Node loads it, as `import()` in a script made here would print a warning. */
const IMPORTER = "cli-import-module-";

const HEAD = "(function (exports, require, module, __filename, __dirname) { ";

/**
 * The exports of `entry` in the folder `dist`. `folder`: where caches are kept; `name`: what is asked of the command, as
 * each command calls other functions.
 */
function loadCached(dist, entry, folder, name) {
  const build = readBuild(dist);
  const file = build && path.join(folder, name + "-" + build + ".code");
  const cache = (file && readCache(file)) || { index: { starts: 0, modules: {} }, code: undefined };
  const loaded = new Map();
  const exports = load(entry);
  if (file) process.on("exit", (status) => keep(status));
  return exports;

  function load(id) {
    const known = loaded.get(id);
    if (known !== undefined) return known.module.exports;
    if (id.startsWith(IMPORTER)) return require(path.join(dist, id));
    const filename = path.join(dist, id);
    const { source, stamp } = readSource(filename);
    const kept = cache.index.modules[id];
    const cachedData = kept && kept.stamp === stamp ? cache.code.subarray(kept.at, kept.at + kept.length) : undefined;
    const script = new vm.Script(HEAD + source + "\n})", {
      filename,
      columnOffset: -HEAD.length,
      cachedData,
    });
    const module = { exports: {}, filename, id };
    const isNew = cachedData === undefined || script.cachedDataRejected === true;
    loaded.set(id, { module, script, stamp, isNew });
    const requireFrom = (asked) => (asked.startsWith("./") ? load(asked.slice(2)) : require(asked));
    script.runInThisContext().call(module.exports, module.exports, requireFrom, module, filename, dist);
    return module.exports;
  }

  function keep(status) {
    // A command line that was wrong says nothing of what its command calls, and its first word is no command.
    if (status === 2) return;
    const grew = [...loaded.values()].some(({ isNew }) => isNew);
    if (!grew && cache.index.starts >= SETTLED) return;
    try {
      writeCache(folder, file, {
        starts: grew ? 1 : cache.index.starts + 1,
        parts: [
          ...unusedParts(),
          ...[...loaded].map(([id, { script, stamp }]) => [id, stamp, script.createCachedData()]),
        ],
      });
    } catch {
      // A full or read-only disk: the next start compiles again.
    }
  }

  /** What earlier starts needed and this one did not. */
  function unusedParts() {
    return Object.entries(cache.index.modules)
      .filter(([id]) => !loaded.has(id))
      .map(([id, { at, length, stamp }]) => [id, stamp, cache.code.subarray(at, at + length)]);
  }
}

function readBuild(dist) {
  try {
    const build = fs.readFileSync(path.join(dist, "build-id.txt"), "latin1").trim();
    return /^[0-9a-f]{16}$/.test(build) ? build : undefined;
  } catch {
    return undefined;
  }
}

function readSource(filename) {
  const file = fs.openSync(filename, "r");
  try {
    const { mtimeMs, size } = fs.fstatSync(file);
    return { source: fs.readFileSync(file, "utf8"), stamp: mtimeMs + ":" + size };
  } finally {
    fs.closeSync(file);
  }
}

/** Layout: the code of each module, then the index as JSON, its length in 4 bytes, then `MAGIC`. */
function readCache(name) {
  let file;
  try {
    file = fs.openSync(name, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    const stats = fs.fstatSync(file);
    if (!stats.isFile() || stats.uid !== process.geteuid() || (stats.mode & 0o022) !== 0) return undefined;
    const code = fs.readFileSync(file);
    const end = code.length - MAGIC.length - 4;
    if (end < 0 || code.latin1Slice(end + 4) !== MAGIC) return undefined;
    const start = end - code.readUInt32LE(end);
    const index = JSON.parse(code.utf8Slice(start, end));
    // Compiled code is bound to the version of V8; it looks itself, and this says so without reading all of it.
    if (index.node !== process.version) return undefined;
    return { index, code };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) fs.closeSync(file);
  }
}

function writeCache(folder, name, { starts, parts }) {
  const modules = {};
  const pieces = [];
  let at = 0;
  for (const [id, stamp, code] of parts) {
    const gap = -code.length & (ALIGNMENT - 1);
    modules[id] = { at, length: code.length, stamp };
    pieces.push(code, Buffer.alloc(gap));
    at += code.length + gap;
  }
  const index = Buffer.from(JSON.stringify({ node: process.version, starts, modules }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(index.length);
  pieces.push(index, length, Buffer.from(MAGIC));
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  removeOld(folder);
  const draft = name + "." + process.pid;
  const file = fs.openSync(draft, "wx", 0o600);
  try {
    try {
      const all = Buffer.concat(pieces);
      let written = 0;
      while (written < all.length) written += fs.writeSync(file, all, written);
      fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
    fs.renameSync(draft, name);
  } catch (failure) {
    fs.rmSync(draft, { force: true });
    throw failure;
  }
}

/** Keeps the folder small: the caches of earlier versions go, oldest first; drafts of starts that were killed too. */
function removeOld(folder) {
  const files = fs.readdirSync(folder).filter((name) => /\.code(\.\d+)?$/.test(name));
  if (files.length < MAX_FILES) return;
  const dated = files.map((name) => ({ name, at: fs.statSync(path.join(folder, name)).mtimeMs }));
  dated.sort((a, b) => a.at - b.at);
  for (const { name } of dated.slice(0, files.length - MAX_FILES / 2))
    fs.rmSync(path.join(folder, name), { force: true });
}

module.exports = { loadCached };

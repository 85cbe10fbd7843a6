#!/usr/bin/env node
/**
 * The `heddle` command: sees to it that a fitting Node runs it, then loads the bundled command line. Plain old syntax, so
 * that an old Node prints a sentence and no stack trace. On the way of every start: nothing is loaded before it is needed.
 */
"use strict";

var OLDEST_NODE = 24;

function majorOf(version) {
  return parseInt(String(version).replace(/^v/, ""), 10) || 0;
}

function stop(message) {
  process.stderr.write("heddle: " + message + "\n");
  process.exitCode = 2;
}

function start() {
  var args = process.argv.slice(2);
  if (args.length === 1 && args[0] === "--version") {
    process.stdout.write(require("../package.json").version + "\n");
    return;
  }
  var cli;
  try {
    cli = load(args);
  } catch (error) {
    if (require("fs").existsSync(require("path").join(__dirname, "..", "dist", "cli.cjs"))) throw error;
    return stop("this copy is not built; run `npm run build` in its repository");
  }
  return cli.main(args);
}

/** The command line, with its compiled code where that can be kept. */
function load(args) {
  var folder = compiledFolder();
  if (folder === undefined) return require("../dist/cli.cjs");
  // For modules of the user's own.
  require("module").enableCompileCache(folder);
  var name = /^[a-z]{1,20}$/.test(args[0]) ? args[0] : "heddle";
  var dist = require("path").join(__dirname, "..", "dist");
  return require("./code-cache.cjs").loadCached(dist, "cli.cjs", folder, name);
}

/** Compiled code is kept in a folder that only this user writes: whoever could plant code there could run it as well. */
function compiledFolder() {
  var env = process.env;
  if (env.NODE_DISABLE_COMPILE_CACHE) return undefined;
  if (env.NODE_COMPILE_CACHE) return require("path").resolve(env.NODE_COMPILE_CACHE);
  var cache = env.XDG_CACHE_HOME || (env.HOME && env.HOME + "/.cache");
  return cache && cache[0] === "/" ? cache + "/heddle/compiled" : undefined;
}

/** A Node that is new enough, installed beside this package or beside the project in the current folder. */
function findNewerNode() {
  var fs = require("fs");
  var path = require("path");
  var name = "node-" + process.platform + "-" + process.arch;
  var found;
  [__dirname, process.cwd()].some(function (from) {
    for (var folder = from; found === undefined; folder = path.dirname(folder)) {
      [path.join(name, "bin", "node"), path.join(".bin", "node")].some(function (relative) {
        var file = path.join(folder, "node_modules", relative);
        if (fs.existsSync(file) && majorOf(versionOf(file)) >= OLDEST_NODE) found = file;
        return found !== undefined;
      });
      if (folder === path.dirname(folder)) break;
    }
    return found !== undefined;
  });
  return found;
}

function versionOf(file) {
  var asked = require("child_process").spawnSync(file, ["--version"], { encoding: "utf8", timeout: 10000 });
  return asked.status === 0 ? asked.stdout.trim() : "";
}

/** Becomes `node`, or stays as its parent until it ended: signals go down, exit code and signal come back up. */
function continueWith(node) {
  var args = [__filename].concat(process.argv.slice(2));
  if (typeof process.execve === "function") {
    process.execve(node, [node].concat(args), process.env);
  }
  var child = require("child_process").spawn(node, args, { stdio: "inherit" });
  // A terminal sends these to the whole process group: the child has its own already, and takes a second one as "at once".
  var fromTerminal = { SIGINT: true, SIGHUP: true, SIGQUIT: true };
  var onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"].forEach(function (signal) {
    process.on(signal, function () {
      if (!(onTerminal && fromTerminal[signal])) child.kill(signal);
    });
  });
  child.on("error", function (error) {
    stop("could not start " + node + ": " + error.message);
  });
  child.on("exit", function (code, signal) {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function main() {
  if (process.platform === "win32") {
    return stop("Windows is not supported in this version; use Linux, macOS or WSL 2");
  }
  if (majorOf(process.versions.node) >= OLDEST_NODE) return start();
  var node = findNewerNode();
  if (node !== undefined) return continueWith(node);
  stop("needs Node " + OLDEST_NODE + " or newer, this is Node " + process.versions.node + "; see https://nodejs.org");
}

main();

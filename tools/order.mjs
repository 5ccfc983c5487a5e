// `order.mjs module.wasm`: gives each function of the module a name that begins with its place, for
// `wasm-opt --reorder-functions-by-name`. Similar functions come next to each other, because gzip sees only the last 32 KB.

import { readFileSync, writeFileSync } from "node:fs";

/** Code is compared by pieces of this many bytes. */
const PIECE = 6;
/** Pieces that more functions than this share are ignored. */
const COMMON = 200;
/** How much of the code before a function counts, in bytes. */
const WINDOW = 30_000;
/** Between 0, which prefers long functions, and 1, which prefers short ones; found by trial. */
const BY_SIZE = 0.7;

const CUSTOM = 0;
const CODE = 10;
const FUNCTION_NAMES = 1;

const file = process.argv[2];
const bytes = readFileSync(file);

/** A LEB128 number, and where it ends. */
function leb(at) {
  for (let value = 0, factor = 1; ; factor *= 128) {
    value += (bytes[at] & 127) * factor;
    if (bytes[at++] < 128) return [value, at];
  }
}

const toLeb = (value) => (value < 128 ? [value] : [(value % 128) | 128, ...toLeb(Math.floor(value / 128))]);
const sized = (...parts) => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(toLeb(content.length)), content]);
};

/** Sections from `at` to `end`: id, and where each section and its content begin and end. */
function sections(at, end) {
  const found = [];
  for (let size, content; at < end; at = content + size) {
    [size, content] = leb(at + 1);
    found.push({ id: bytes[at], at, content, end: content + size });
  }
  return found;
}

/** The code of each function. */
function bodies({ content }) {
  let [count, at] = leb(content);
  return Array.from({ length: count }, () => {
    const [size, begin] = leb(at);
    at = begin + size;
    return bytes.subarray(begin, at);
  });
}

/** The functions in their new order: next comes the one that shares the most pieces with the last ones. */
function ordered(code) {
  const pieces = code.map((body) => {
    const found = new Set();
    for (let at = 0; at + PIECE <= body.length; at += 1) found.add(body.readUIntLE(at, PIECE));
    return found;
  });
  const holders = new Map();
  for (const [of, found] of pieces.entries()) {
    for (const piece of found) holders.set(piece, [...(holders.get(piece) ?? []).slice(0, COMMON), of]);
  }
  const isShared = (piece) => holders.get(piece).length > 1 && holders.get(piece).length <= COMMON;
  const shared = pieces.map((found) => [...found].filter(isShared));
  const weights = code.map((body) => (body.length + 8) ** -BY_SIZE);
  const scores = code.map(() => 0);
  const counts = new Map();
  const count = (of, by) => {
    for (const piece of shared[of]) {
      const before = counts.get(piece) ?? 0;
      counts.set(piece, before + by);
      if (before === 0 || before + by === 0) for (const holder of holders.get(piece)) scores[holder] += by;
    }
  };
  const left = new Set(code.keys());
  const order = [];
  for (let size = 0, first = 0; left.size > 0; ) {
    let [next] = left;
    for (const of of left) if (scores[of] * weights[of] > scores[next] * weights[next]) next = of;
    left.delete(next);
    order.push(next);
    count(next, 1);
    size += code[next].length;
    for (; size > WINDOW && first < order.length - 1; first += 1) {
      count(order[first], -1);
      size -= code[order[first]].length;
    }
  }
  return order;
}

const all = sections(8, bytes.length);
const isNames = ({ id, content }) => id === CUSTOM && bytes.subarray(content + 1, content + 5).toString() === "name";
const names = all.find(isNames);
const functionNames = sections(names.content + 5, names.end).find(({ id }) => id === FUNCTION_NAMES);
const code = bodies(all.find(({ id }) => id === CODE));
const place = [];
for (const [at, of] of ordered(code).entries()) place[of] = at;

// The names are pairs of an index and a text; every function has one. Imported functions have the first indices and keep theirs.
let [count, at] = leb(functionNames.content);
const pairs = Array.from({ length: count }, () => {
  const [index, length] = leb(at);
  const [size, begin] = leb(length);
  at = begin + size;
  return [index, bytes.subarray(begin, at)];
});
const imported = pairs.at(-1)[0] + 1 - code.length;
const renamed = pairs.map(([index, name]) => {
  const prefix = index < imported ? "" : `${place[index - imported]}`.padStart(6, "0") + ":";
  return Buffer.concat([Buffer.from(toLeb(index)), sized(Buffer.from(prefix), name)]);
});
const subsection = sized(Buffer.from(toLeb(count)), ...renamed);
const section = sized(sized(Buffer.from("name")), Buffer.from([FUNCTION_NAMES]), subsection);
writeFileSync(file, Buffer.concat([bytes.subarray(0, names.at), Buffer.from([CUSTOM]), section, bytes.subarray(names.end)]));

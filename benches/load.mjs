// The load: keep-alive sockets with the least code per request, so that the Worker is what is measured.

import { connect } from "node:net";

const HEADERS = [
  "Host: forms.example.com",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "Accept-Language: ko-KR,ko;q=0.9,en;q=0.8",
  "Origin: https://www.example.com",
  "Referer: https://www.example.com/contact?utm_source=newsletter",
].join("\r\n");

const BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
const PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/** How each kind of client sends a form. */
const KINDS = {
  urlencoded: {
    status: 303,
    accept: PAGE,
    type: "application/x-www-form-urlencoded",
    encode: (fields) => new URLSearchParams(fields).toString(),
  },
  multipart: {
    status: 303,
    accept: PAGE,
    type: `multipart/form-data; boundary=${BOUNDARY}`,
    encode: (fields) =>
      Object.entries(fields)
        .map(([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
        .join("") + `--${BOUNDARY}--\r\n`,
  },
  json: { status: 200, accept: "application/json", type: "application/json", encode: JSON.stringify },
};

let visitors = 0;

/** An ordinary enquiry; no two are from the same visitor, because repeats within a minute are not stored again. */
function enquiry() {
  visitors += 1;
  return {
    name: "Minji Kim",
    email: `visitor${visitors}@example.com`,
    phone: "+82 10-1234-5678",
    company: "Hangang Trading",
    budget: "1200000",
    message: "Hello,\r\nwe need a new website for our shop by spring. Could you call me on Tuesday?\r\n감사합니다.",
    utm_source: "newsletter",
    _gotcha: "",
  };
}

function request(form, kind) {
  const { accept, type, encode } = KINDS[kind];
  const body = Buffer.from(encode(enquiry()));
  const address = `${(visitors >> 16) & 255}.${(visitors >> 8) & 255}.${visitors & 255}`;
  const head =
    `POST /f/${form} HTTP/1.1\r\n${HEADERS}\r\nCF-Connecting-IP: 10.${address}\r\nAccept: ${accept}\r\n` +
    `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** Sends requests over one socket, each after the response to the last; how long each took, in milliseconds. */
function converse(port, status, next) {
  return new Promise((resolve, reject) => {
    const times = [];
    const socket = connect(port, "127.0.0.1").setNoDelay();
    let response = "";
    let start;
    const send = () => {
      const bytes = next();
      if (!bytes) return socket.end(() => resolve(times));
      response = "";
      start = performance.now();
      socket.write(bytes);
    };
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the Worker closed the connection")));
    socket.on("data", (bytes) => {
      response += bytes.toString("latin1");
      const end = response.indexOf("\r\n\r\n");
      if (end < 0) return;
      const [, length] = /\r\ncontent-length: (\d+)/i.exec(response) ?? [];
      const isWhole = length ? response.length >= end + 4 + Number(length) : response.endsWith("\r\n0\r\n\r\n");
      if (!isWhole) return;
      if (!response.startsWith(`HTTP/1.1 ${status}`)) return reject(new Error(`instead of ${status}:\n${response}`));
      times.push(performance.now() - start);
      send();
    });
  });
}

/**
 * Posts `count` submissions over so many connections: how long it took, each response's time, sorted, and how much of a
 * core this process used.
 */
export async function post(port, { form, kind, connections, count }) {
  // Made beforehand: the generator shares the machine with what it measures.
  const requests = Array.from({ length: count }, () => request(form, kind));
  const start = performance.now();
  const used = process.cpuUsage();
  const next = () => requests.pop();
  const sockets = Array.from({ length: connections }, () => converse(port, KINDS[kind].status, next));
  const times = (await Promise.all(sockets)).flat().sort((a, b) => a - b);
  const { user, system } = process.cpuUsage(used);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, times, busy: (user + system) / 1e6 / seconds };
}

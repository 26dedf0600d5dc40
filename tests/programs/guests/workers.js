// SPDX-License-Identifier: BSD-2-Clause
// Copyright (c) 2026 The vmspace authors
// Worker threads, timers, files, promises, child processes, buffers.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const fs = require('fs'), crypto = require('crypto'), zlib = require('zlib');

const sleep = ms => new Promise(done => setTimeout(done, ms));

function work(k) {
  let s = 0;
  for (let i = 0; i < 2000000; i++) s = (s * 31 + i * k) % 1000003;
  return s;
}

async function main() {
  const shared = new Int32Array(new SharedArrayBuffer(64));
  const results = await Promise.all([1, 2, 3, 4].map(k => new Promise((done, fail) => {
    const w = new Worker(__filename, { workerData: { k, shared } });
    w.on('message', done); w.on('error', fail);
  })));
  console.log('workers', results, Atomics.load(shared, 0));
  let n = 0;
  await new Promise(done => { const t = setInterval(() => { if (++n === 5) { clearInterval(t); done(); } }, 10); });
  console.log('timer', n);
  const order = [];
  setImmediate(() => order.push('immediate')); process.nextTick(() => order.push('tick'));
  await Promise.resolve().then(() => order.push('promise')); await sleep(20);
  console.log(order.sort());
  fs.writeFileSync('node.txt', 'line\n'.repeat(100000));
  const text = await fs.promises.readFile('node.txt', 'utf8');
  console.log('file', text.length, fs.statSync('node.txt').size, fs.readdirSync('.').includes('node.txt'));
  const stream = fs.createReadStream('node.txt'); let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  fs.unlinkSync('node.txt');
  const z = zlib.gzipSync(text);
  console.log('stream', bytes, zlib.gunzipSync(z).length, crypto.createHash('sha256').update(text).digest('hex'));
  console.log(await new Promise((done, fail) => crypto.pbkdf2('a', 'b', 20000, 32, 'sha512', (e, k) => e ? fail(e) : done(k.toString('hex')))));
  let garbage = []; for (let i = 0; i < 300000; i++) { garbage.push({ i, s: 'x' + i }); if (garbage.length > 5000) garbage = []; }
  console.log(JSON.stringify([...new Map([[1, { a: [2n.toString()] }]])]), (2n ** 200n).toString());
  const re = /(?<y>\d{4})-(?<m>\d\d)/u; console.log('2024-02'.match(re).groups.m);
  const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]);
  console.log('wasm', (await WebAssembly.instantiate(wasm)).instance.exports.add(40, 2));
  process.once('SIGUSR2', () => console.log('signal')); process.kill(process.pid, 'SIGUSR2'); await sleep(50);
}

if (isMainThread) main().then(() => { process.exitCode = 3; });
else { Atomics.add(workerData.shared, 0, workerData.k); parentPort.postMessage(work(workerData.k)); }

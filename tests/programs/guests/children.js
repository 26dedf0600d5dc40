// SPDX-License-Identifier: BSD-2-Clause
// Copyright (c) 2026 The vmspace authors
// Child processes of node: their standard streams are socket pairs.
const { execFileSync, spawn } = require('child_process');
console.log(execFileSync('sort', ['-r'], { input: 'a\nb\n' }).toString());
const p = spawn('sh', ['-c', 'cat; echo err >&2; exit 7']);
let out = '', err = '';
p.stdout.on('data', d => out += d);
p.stderr.on('data', d => err += d);
p.on('close', (code, signal) => {
  console.log('closed', code, signal, out, err);
  const q = spawn('sleep', ['100']);
  q.on('exit', (c, s) => { console.log('killed', c, s); process.exitCode = 2; });
  q.kill();
});
p.stdin.end('input '.repeat(50000));

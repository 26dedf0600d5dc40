// SPDX-License-Identifier: BSD-2-Clause
// Copyright (c) 2026 The vmspace authors
var primes = [], i, k;
for (i = 2; primes.length < 2000; i++) {
	for (k = 0; k < primes.length && primes[k] * primes[k] <= i; k++)
		if (i % primes[k] === 0) break;
	if (k === primes.length || primes[k] * primes[k] > i) primes.push(i);
}
print('primes', primes[0], primes[1999]);
print('squares', square(7), square(1999));
var o = {}; for (i = 0; i < 20000; i++) o['k' + i % 500] = (o['k' + i % 500] || 0) + i;
print('object', Object.keys(o).length, o.k7);
print('json', JSON.stringify(JSON.parse('{"a":[1,2,{"b":null}],"c":"\\u00e9"}')));
print('regexp', 'the quick brown fox'.replace(/(\w+) (\w+)/g, '$2 $1'));
try { null.x; } catch (e) { print('caught', e.name); }
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
print('fib', fib(22), Math.sin(1).toFixed(12), [3, 1, 2].sort().join());

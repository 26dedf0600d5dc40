# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# jest: a suite in three worker processes, then in worker threads, with a
# coverage report; one test fails.  $1 is the folder of the npm packages.
mkdir node_modules src || exit 9
ln -s "$1"/node_modules/* node_modules
echo '{ "name": "work" }' >package.json
echo 'exports.add = (a, b) => (a > 99 ? 0 : a + b);' >src/add.js
for i in 1 2 3 4 5 6; do
	cat >"src/add$i.test.js" <<C
const { add } = require('./add');
const { isMainThread } = require('worker_threads');
jest.mock('fs', () => ({ readFileSync: () => 'mocked $i' }));
test('where', () => expect(process.env.JEST_WORKER_ID > 0 &&
  (!isMainThread || typeof process.send === 'function')).toBe(true));
test('add', () => expect(add($i, 1)).toBe($((i + 1))));
test('mock', () => expect(require('fs').readFileSync('x')).toBe('mocked $i'));
test('timers', () => {
  jest.useFakeTimers();
  const f = jest.fn();
  setTimeout(f, 1e6);
  jest.runAllTimers();
  expect(f).toHaveBeenCalledTimes(1);
});
test('snapshot', () => expect({ a: [$i, { b: null }] }).toMatchSnapshot());
C
done
echo "test('wrong', () => expect(1).toBe(2));" >src/wrong.test.js
cat >show.js <<'C'
const r = JSON.parse(require('fs').readFileSync(process.argv[2]));
console.log(r.numPassedTests, r.numFailedTests, r.snapshot.added);
for (const s of r.testResults.sort((a, b) => (a.name < b.name ? -1 : 1)))
  for (const t of s.assertionResults)
    console.log(s.name.replace(/.*\//, ''), t.title, t.status);
C
for kind in false true; do
	rm -rf src/__snapshots__ cache
	"$1/node_modules/.bin/jest" --maxWorkers=3 --workerThreads=$kind \
	    --cacheDirectory="$PWD/cache" --json --outputFile=out.json \
	    --coverage --coverageReporters=json-summary >log 2>&1
	echo "status $?"
	node show.js out.json || cat log
	node -p 'JSON.stringify(require("./coverage/coverage-summary").total)'
	cat src/__snapshots__/*
done
exit 3

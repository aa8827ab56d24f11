// Worker threads of node that share memory, with atomics and messages; compression on its thread pool;
// timers, a child process. Prints the same lines every time.
const { Worker, isMainThread, workerData, parentPort } = require("worker_threads");
const { execFile } = require("child_process");
const zlib = require("zlib");

function mix(x) {
  for (let i = 0; i < 20000; i++) {
    x = (Math.imul(x ^ (x >>> 15), 2246822519) + i) | 0;
  }
  return x;
}

if (isMainThread) {
  const shared = new Int32Array(new SharedArrayBuffer(16));
  const workers = [];
  for (let number = 0; number < 4; number++) {
    workers.push(
      new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: { number, shared } });
        worker.on("message", resolve);
        worker.on("error", reject);
      })
    );
  }
  Promise.all(workers)
    .then((results) => {
      console.log("workers", results.join(" "), Atomics.load(shared, 0));
      const data = Buffer.from(Array.from({ length: 100000 }, (_, i) => (i * i) & 255));
      return Promise.all(
        [1, 2, 3, 4, 5, 6].map(
          (level) =>
            new Promise((resolve) =>
              zlib.deflate(data, { level }, (_, packed) =>
                zlib.inflate(packed, (_, back) => resolve(back.equals(data)))
              )
            )
        )
      );
    })
    .then((same) => {
      console.log("packed", same.join(" "));
      const table = new Map();
      for (let i = 0; i < 50000; i++) {
        table.set("key" + (i % 1000), { i, text: "value" + i });
      }
      console.log("table", table.size, table.get("key999").text);
      execFile("/bin/echo", ["child"], (error, out) => {
        console.log(out.trim(), error);
        setTimeout(() => console.log("end"), 5);
      });
    });
} else {
  const { number, shared } = workerData;
  let x = number + 1;
  for (let round = 0; round < 10; round++) {
    x = mix(x);
    Atomics.add(shared, 0, 1);
  }
  while (Atomics.load(shared, 0) < 40) {
    Atomics.wait(shared, 0, Atomics.load(shared, 0), 5);
  }
  parentPort.postMessage(x);
}

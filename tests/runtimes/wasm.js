// A WebAssembly function, compiled twice by node as it gets hot: the sum of i * i for i below n.
'use strict';

const code = [
    1, 2, 0x7f,                                       // two locals of type i32
    0x03, 0x40,                                       // loop
    0x20, 1, 0x20, 2, 0x20, 2, 0x6c, 0x6a, 0x21, 1,   // sum += i * i
    0x20, 2, 0x41, 1, 0x6a, 0x22, 2,                  // i += 1
    0x20, 0, 0x48, 0x0d, 0, 0x0b,                     // again while i < n
    0x20, 1, 0x0b,                                    // sum
];
const bytes = new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,                  // magic, version
    1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f,                  // type: i32 to i32
    3, 2, 1, 0,                                       // one function of it
    7, 5, 1, 1, 0x66, 0, 0,                           // exported as f
    10, code.length + 2, 1, code.length, ...code,
]);
const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
let sum = 0;
for (let i = 0; i < 200; i++) {
    sum = (sum * 31 + f(1000000 + i)) >>> 0;
}
console.log(sum);

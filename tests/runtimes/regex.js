// Regular expressions, which node compiles to machine code of their own.
'use strict';

let text = '';
for (let i = 0; i < 20000; i++) {
    text += `user${i}@example${i % 97}.com 2026-${(i % 12) + 1}-${(i % 28) + 1} key=${(i * 7919) % 10007};`;
}
const patterns = [
    /(\w+)@(\w+)\.com/g, /(\d{4})-(\d{1,2})-(\d{1,2})/g, /key=(\d+);/g, /[aeiou]{2,}/g,
    /(?<=user)\d+(?=@)/g, /(\w)\1/g,
];
let sum = 0;
for (const pattern of patterns) {
    for (let match; (match = pattern.exec(text)) !== null;) {
        sum = (sum * 31 + match[0].length + match.index) % 1000003;
    }
}
console.log(sum, text.replace(/(\d+)-(\d+)-(\d+)/g, '$3.$2.$1').length);

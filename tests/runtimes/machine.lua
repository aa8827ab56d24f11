-- What LuaJIT compiles: calls, tables, arithmetic, foreign memory; and an error out of compiled code.
local ffi = require("ffi")

local function fib(n)
    if n < 2 then return n end
    return fib(n - 1) + fib(n - 2)
end
print(fib(30))

local counts = {}
for i = 1, 5000000 do counts[i % 1000] = (counts[i % 1000] or 0) + i end
local sum = 0
for _, count in pairs(counts) do sum = sum + count end
print(sum)

local x, even = 1, 0
for _ = 1, 20000000 do
    x = (x * 16807) % 2147483647
    if x % 2 == 0 then even = even + 1 end
end
print(x, even)

local values = ffi.new("double[?]", 100000)
for j = 1, 50 do
    for i = 0, 99999 do values[i] = values[i] + i * j end
end
print(values[99999])

print(pcall(function()
    local nothing
    for i = 1, 1000 do if i == 999 then return nothing.field end end
end))

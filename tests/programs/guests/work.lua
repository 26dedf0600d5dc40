-- SPDX-License-Identifier: BSD-2-Clause
-- Copyright (c) 2026 The vmspace authors
-- Coroutines, patterns, tables, files and pipes.
local function gen(n)
  return coroutine.wrap(function() for i = 1, n do coroutine.yield(i * i) end end)
end
local s = 0
for v in gen(10000) do s = s + v end
print(s)
local t = {}
for w in (("alpha beta gamma delta "):rep(1000)):gmatch("%a+") do t[w] = (t[w] or 0) + 1 end
local keys = {}
for k in pairs(t) do keys[#keys + 1] = k end
table.sort(keys)
for _, k in ipairs(keys) do print(k, t[k]) end
print((("key=value; other=thing"):gsub("(%w+)=(%w+)", "%2=%1")))
local x, seed = {}, 42
for i = 1, 50000 do seed = (seed * 16807) % 2147483647; x[i] = seed end
table.sort(x); print(x[1], x[25000], x[50000], #x)
local mt = {__add = function(a, b) return setmetatable({v = a.v + b.v}, getmetatable(a)) end,
  __gc = function() end, __index = function(_, k) return k .. "!" end}
print((setmetatable({v = 1}, mt) + setmetatable({v = 2}, mt)).v, setmetatable({}, mt).hi)
for i = 1, 200000 do local _ = {i, tostring(i)} end
collectgarbage(); print(collectgarbage("count") < 20000)
print((pcall(error, {code = 7}))); print(select(2, pcall(function() local a; return a.b end)))
local f = assert(io.open("lua.txt", "w")); for i = 1, 1000 do f:write(i, "\n") end f:close()
local n = 0; for l in io.lines("lua.txt") do n = n + tonumber(l) end print(n)
local p = io.popen("sort -rn lua.txt | head -2"); print(p:read("a")); print(p:close())
print(os.execute("exit 3")); print(string.format("%5.2f|%-5s|%x|%q", 3.14159, "ab", 255, "a\nb"))
print(string.pack("<i4z", 7, "hi"):byte(1, -1)); print(utf8.len("h\u{e9}llo"), 7 // 2, 7 % -3, 1 << 40, 2^53 == 2^53 + 1)
print(math.type(3), math.type(3.0), 10 // 0.0, math.maxinteger + 1 == math.mininteger)
os.remove("lua.txt"); print(io.open("lua.txt")); goto done; print("no") ::done:: os.exit(4)
